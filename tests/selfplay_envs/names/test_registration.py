"""Ids of games, and the classes behind them."""

import sys

import gymnasium as gym
import pytest

from selfplay_envs import Referee, Start, UsageError, game_ids, make_game, play_episodes, register_game
from selfplay_envs.conformance.suite import panels
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from selfplay_envs.names.registration import resolve_game_id


def test_unknown_ids_and_classes_get_one_clear_sentence(monkeypatch):
    for env_id in ("Test/Nowhere-v0", "Test/NotAGame-v0"):  # gone again after the test
        monkeypatch.setitem(gym.registry, env_id, None)
        del gym.registry[env_id]
    with pytest.raises(UsageError, match=r"env_id='SelfPlay/Chess-v0' .* SelfPlay/Abduction-v0"):
        play_episodes([Start("SelfPlay/Chess-v0", 0)], lambda asks: [], Referee())
    register_game("Test/Nowhere-v0", "no.such.module:Game")
    with pytest.raises(UsageError, match=r"no\.such\.module:Game"):
        gym.make("Test/Nowhere-v0")
    register_game("Test/NotAGame-v0", "json:JSONDecoder")
    with pytest.raises(UsageError, match="not a subclass"):
        gym.make("Test/NotAGame-v0")


def test_games_are_named_in_full_in_short_or_with_their_module(tmp_path, monkeypatch):
    assert resolve_game_id("SelfPlay/Deduction-v0") == resolve_game_id("deduction") == "SelfPlay/Deduction-v0"
    (tmp_path / "my_game.py").write_text(
        "from selfplay_envs import register_game\n"
        "register_game('NamedTest/Copy-v0', 'selfplay_envs.games.zero_sum.kuhn:KuhnPoker')\n"
        "register_game('NamedTest/Deduction-v0', 'selfplay_envs.games.code.deduction:Deduction', attempts=3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert type(make_game("my_game:NamedTest/Copy-v0")).__name__ == "KuhnPoker"
        assert resolve_game_id("my_game:copy") == "NamedTest/Copy-v0"
        with pytest.raises(UsageError, match="several games; write one of NamedTest/Deduction-v0, SelfPlay/Deduction-v0"):
            resolve_game_id("deduction")
        with pytest.raises(
            UsageError, match=r"game='my_game:NamedTest/Cpy-v0' is not known; did you mean 'my_game:NamedTest/Copy-v0'\?"
        ):
            resolve_game_id("my_game:NamedTest/Cpy-v0", "game")
    finally:
        for env_id in ("NamedTest/Copy-v0", "NamedTest/Deduction-v0"):
            gym.registry.pop(env_id, None)
        sys.modules.pop("my_game", None)
    with pytest.raises(UsageError, match=r"env_id='SelfPlay/Deducton-v0' is not known; did you mean 'SelfPlay/Deduction-v0'\?"):
        make_game("SelfPlay/Deducton-v0")
    with pytest.raises(UsageError, match="env_id='CartPole-v1' is not known"):
        make_game("CartPole-v1")


def test_of_several_games_of_one_name_that_of_the_named_module_is_meant(tmp_path, monkeypatch):
    """Whether the module holds the class or only registers it, at the first look and at later ones."""
    (tmp_path / "my_poker.py").write_text(
        "from selfplay_envs import register_game\n"
        "from selfplay_envs.games.zero_sum.kuhn import KuhnPoker\n"
        "register_game('NamedTest/KuhnPoker-v0', 'my_poker:KuhnPoker')\n"
        "register_game('NamedTest/Deduction-v0', 'selfplay_envs.games.code.deduction:Deduction')\n"
    )
    (tmp_path / "my_two.py").write_text(
        "from selfplay_envs import register_game\n"
        "register_game('NamedTest/Deduction-v1', 'my_two:A')\n"
        "register_game('NamedTest/Deduction-v2', 'my_two:B')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        for _ in range(2):
            assert resolve_game_id("my_poker:KuhnPoker") == resolve_game_id("my_poker:kuhnpoker") == "NamedTest/KuhnPoker-v0"
            assert resolve_game_id("my_poker:Deduction") == "NamedTest/Deduction-v0"
            assert resolve_game_id("my_poker:SelfPlay/Deduction-v0") == "SelfPlay/Deduction-v0"
            with pytest.raises(
                UsageError, match=r"several games; write one of NamedTest/Deduction-v1, NamedTest/Deduction-v2\."
            ):
                resolve_game_id("my_two:deduction")
        with pytest.raises(UsageError, match="several games; write one of NamedTest/KuhnPoker-v0, SelfPlay/KuhnPoker-v0"):
            resolve_game_id("kuhnpoker")
    finally:
        for name in ("KuhnPoker-v0", "Deduction-v0", "Deduction-v1", "Deduction-v2"):
            gym.registry.pop(f"NamedTest/{name}", None)
        for name in ("my_poker", "my_two"):
            sys.modules.pop(name, None)


def test_a_game_says_what_it_takes_itself_and_what_its_environments_take():
    with pytest.raises(UsageError) as caught:
        make_game("SelfPlay/KuhnPoker-v0", judge="vowels")
    assert str(caught.value).startswith("'judge' is a keyword of environments, as in gym.make(..., judge=...)")
    assert "judge" not in str(caught.value).partition("that takes")[2]
    with pytest.raises(UsageError, match=r"KuhnPoker has no keyword 'stile'; did you mean 'style'\? it takes attempts"):
        make_game("SelfPlay/KuhnPoker-v0", stile="full")
    with pytest.raises(UsageError, match=r"it takes .*sandbox, judge, reward_role, render_mode\.$"):
        gym.make("SelfPlay/KuhnPoker-v0", judgement="rules")


class Needy(KuhnPoker):
    """Needs a keyword, and hands the others on."""

    def __init__(self, cards: int, **kwargs):
        super().__init__(**kwargs)
        self.cards = cards


def test_keywords_that_a_game_hands_on_are_its_own_and_those_it_needs_are_asked_for():
    register_game("NamedTest/Needy-v0", f"{__name__}:Needy")
    try:
        game = make_game("NamedTest/Needy-v0", cards=3, attempts=2)
        assert (game.cards, game.attempts) == (3, 2)
        assert panels("NamedTest/Needy-v0", (1, 2)) == [{"attempts": 1}, {"attempts": 2}]
        with pytest.raises(UsageError, match="Needy needs the keyword 'cards'; pass it, or give it a default"):
            make_game("NamedTest/Needy-v0", attempts=2)
        with pytest.raises(UsageError, match="Needy has no keyword 'kwargs'"):
            make_game("NamedTest/Needy-v0", cards=3, kwargs={})
    finally:
        gym.registry.pop("NamedTest/Needy-v0")


def test_a_class_that_does_not_load_is_told_where_it_breaks(tmp_path, monkeypatch):
    (tmp_path / "my_broken_game.py").write_text("x = 1\n\ny = nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    register_game("NamedTest/Broken-v0", "my_broken_game:Game")
    try:
        with pytest.raises(UsageError, match=r"game='my_broken_game:Game': my_broken_game.py:3: NameError"):
            make_game("NamedTest/Broken-v0")
    finally:
        gym.registry.pop("NamedTest/Broken-v0")


def test_a_spec_with_the_entry_point_of_before_is_a_game(request):
    request.addfinalizer(lambda: gym.registry.pop("NamedTest/Before-v0"))
    game = "selfplay_envs.games.zero_sum.kuhn:KuhnPoker"
    gym.register("NamedTest/Before-v0", entry_point="selfplay_envs.gym_view:SelfPlayEnv", kwargs={"game": game})
    register_game("NamedTest/Before-v0", game)  # an equal second call
    assert "NamedTest/Before-v0" in game_ids()
    assert resolve_game_id("before") == "NamedTest/Before-v0"
    assert isinstance(make_game("NamedTest/Before-v0"), KuhnPoker)
