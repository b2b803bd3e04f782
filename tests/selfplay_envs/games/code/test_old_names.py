"""Games that were derived from the code games by names of before."""

import pytest

from selfplay_envs import IDENTITY, Message, make_game
from selfplay_envs.games.code import base
from selfplay_envs.games.code.deduction import Deduction


def shown(game):
    """The last message that a solver is shown."""
    game.reset(None, {"task": IDENTITY.to_json()})
    return game.prompt(game.pending()[0])[-1].content


def test_a_solve_prompt_of_before_is_shown_and_may_go_on_with_that_of_its_base():
    with pytest.warns(DeprecationWarning, match="Hinted.solve_prompt is now answer_prompt"):

        class Hinted(Deduction):
            def solve_prompt(self, task):
                return (*super().solve_prompt(task), Message("user", "a hint"))

    class Plain(Hinted):
        """Defines neither."""

    for game in (Hinted(), Plain()):
        with pytest.warns(DeprecationWarning, match="CodeGame.solve_prompt is now answer_prompt"):
            assert shown(game) == "a hint"

    class Today(Hinted):
        def answer_prompt(self, task):
            return (*super().answer_prompt(task), Message("user", "today"))

    with pytest.warns(DeprecationWarning, match="is now answer_prompt"):
        assert shown(Today()) == "today"
    with pytest.warns(DeprecationWarning, match="is now answer_prompt"):
        assert [message.content for message in Today().solve_prompt(IDENTITY)][-2:] == ["a hint", "today"]


def test_the_built_in_games_answer_to_solve_prompt():
    for env_id in ("SelfPlay/Deduction-v0", "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0"):
        game = make_game(env_id)
        with pytest.warns(DeprecationWarning, match="is now answer_prompt"):
            assert game.solve_prompt(IDENTITY) == game.answer_prompt(IDENTITY)


def test_masks_is_the_opposite_of_train_malformed():
    game = Deduction(malformed="mask")
    with pytest.warns(DeprecationWarning, match="masks"):
        assert game.masks
    with pytest.warns(DeprecationWarning, match="masks"):
        game.masks = False
    assert game.train_malformed


def test_the_slot_of_the_proposal_has_its_old_name():
    with pytest.warns(DeprecationWarning, match="PROPOSER is now"):
        assert Deduction().proposer == base.PROPOSER
    with pytest.raises(AttributeError, match="SOLVER"):
        base.SOLVER  # noqa: B018
