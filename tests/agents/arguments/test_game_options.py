"""Keywords of games as typed: taken out of the arguments, typed by the game's signature, set, removed, refused."""

import pytest

from agents.arguments.game_options import Keyword, apply_keywords, take_keywords
from agents.config.game_keywords import fit_keywords, keywords_of, set_keywords, with_style
from agents.config.run import GameMix, TrainConfig
from agents.display.human import reworded
from selfplay_envs import Match, Message, Slot, Start, register_game
from tests.helpers.toys import GAME, Letters

DEDUCTION, KUHN = "SelfPlay/Deduction-v0", "SelfPlay/KuhnPoker-v0"
MIX = GameMix(env_id=DEDUCTION, kwargs={"style": "terse", "extreme_credit": 0.0})


def test_every_way_of_writing_a_keyword() -> None:
    args = ["--seed", "1", "--games.0.kwargs", "learnability=variance", "extreme-credit", "-0.5", "--steps", "2"]
    args += ["--games.1.kwargs.malformed", "mask", "--games.1.kwargs.style=", "--game-kwargs", "equality=a=b", "style="]
    keywords, others = take_keywords(args)
    assert others == ["--seed", "1", "--steps", "2"]
    assert keywords == [
        Keyword(0, "learnability", "variance"),
        Keyword(0, "extreme_credit", "-0.5"),
        Keyword(1, "malformed", "mask"),
        Keyword(1, "style", ""),
        Keyword(None, "equality", "a=b"),
        Keyword(None, "style", ""),
    ]
    for wrong, sentence in ((["--game-kwargs", "style"], "'style' has no value"), (["--game-kwargs"], "names no keyword")):
        with pytest.raises(ValueError, match=sentence):
            take_keywords([*wrong, "--seed", "1"])


def test_a_keyword_has_the_type_that_the_game_gives_it() -> None:
    changed = set_keywords(MIX, {"learnability": "variance", "extreme_credit": "-1", "attempts": "3", "style": ""})
    assert changed.kwargs == {"extreme_credit": -1.0, "learnability": "variance", "attempts": 3}
    assert type(changed.kwargs["extreme_credit"]) is float
    with pytest.raises(ValueError, match=r"SelfPlay/Deduction-v0 has no keyword 'lernability'; did you mean 'learnability'?"):
        set_keywords(MIX, {"lernability": "variance"})
    with pytest.raises(ValueError, match=r"attempts='many'.*whole number"):
        set_keywords(MIX, {"attempts": "many"})


def test_keywords_of_all_games_go_to_those_that_take_them() -> None:
    config = TrainConfig(games=(MIX, GameMix(env_id=GAME, kwargs={"attempts": 2})))
    changed = apply_keywords(config, [Keyword(None, "equality", "strict"), Keyword(1, "attempts", "5")])
    assert changed.games[0].kwargs == {**MIX.kwargs, "equality": "strict"}
    assert changed.games[1].kwargs == {"attempts": 5}
    with pytest.raises(ValueError, match=r"--games.2.kwargs names a game that is not there; the last one is --games.1"):
        apply_keywords(config, [Keyword(2, "attempts", "5")])
    with pytest.raises(ValueError, match=r"has no keyword 'equalty'; did you mean 'equality'?"):
        apply_keywords(config, [Keyword(None, "equalty", "strict")])


def test_an_inherited_keyword_that_a_game_does_not_take_is_dropped() -> None:
    mix = GameMix(env_id=KUHN, kwargs={**MIX.kwargs, "attempts": 2})
    assert fit_keywords(mix, mix.kwargs) == (GameMix(env_id=KUHN, kwargs={"style": "terse", "attempts": 2}), ["extreme_credit"])


def test_a_game_without_wordings_is_asked_as_it_is() -> None:
    assert with_style("full", GAME, {"attempts": 2}) == {"attempts": 2}
    assert with_style("full", DEDUCTION, {"style": "terse"}) == {"style": "full"}
    assert keywords_of(DEDUCTION)["learnability"] == "one_minus"


class Mood(Letters):
    """A game whose `style` is a thing of its own."""

    def __init__(self, *, attempts: int = 1, style: str = "merry") -> None:
        super().__init__(attempts=attempts)
        self.style = style

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        return (Message("user", f"be {self.style}"),)


def test_a_style_that_is_another_thing_is_left_alone() -> None:
    register_game("Test/Mood-v0", f"{__name__}:Mood")
    assert with_style("full", "Test/Mood-v0", {}) == {}
    match = Match(Start("Test/Mood-v0", 0, {}))
    assert reworded(match, Slot("proposer", 0, 0), "full") == (Message("user", "be merry"),)
