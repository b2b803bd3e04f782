"""Keywords of games by their signatures: wording where a game has it."""

import pytest

from agents.config.game_keywords import check_wording, keywords_of, with_style, wording_keyword
from selfplay_envs import UsageError, register_game
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from tests.helpers.styled_game import STYLED
from tests.helpers.toys import GAME


class Old(KuhnPoker):
    """A game with a keyword `style` and no table of its styles."""

    styles = {}


def test_a_game_is_worded_in_a_style_that_it_has() -> None:
    assert with_style("pirate", STYLED, {}) == {"style": "pirate"}
    assert with_style("terse", STYLED, {"attempts": 2}) == {"attempts": 2}
    check_wording("pirate", [STYLED])
    with pytest.raises(UsageError, match="style='pirate' is not known; choose one of full, terse"):
        check_wording("pirate", ["SelfPlay/Deduction-v0"])


def test_the_keywords_of_a_base_need_not_be_said_again() -> None:
    keywords = keywords_of("SelfPlay/Induction-v0")
    assert keywords.pop("num_inputs") == 10
    assert keywords == keywords_of("SelfPlay/Deduction-v0")


def test_a_game_of_before_has_the_built_in_styles_without_naming_them() -> None:
    register_game("Test/OldStyled-v0", f"{__name__}:Old")
    assert with_style("terse", "Test/OldStyled-v0", {}) == {"style": "terse"}


def test_fixed_problems_have_their_wording_in_another_keyword() -> None:
    dataset = "SelfPlay/Dataset-v0"
    assert wording_keyword(dataset) == "prompt"
    assert wording_keyword("SelfPlay/Deduction-v0") == "style"
    assert wording_keyword(GAME) == ""
    assert with_style("terse", dataset, {"prompt": "full"}) == {"prompt": "terse"}
    assert with_style("full", dataset, {"prompt": "terse"}) == {"prompt": ""}  # as the source says
    assert with_style("terse", dataset, {"prompt": "Q: {question}"}) == {"prompt": "Q: {question}"}
