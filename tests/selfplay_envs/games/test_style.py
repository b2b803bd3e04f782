"""Wording by name: the built-in texts byte for byte, and styles of a game from outside."""

import json
from pathlib import Path

import pytest

from selfplay_envs import Match, Message, Start, UsageError
from selfplay_envs.games.style import STYLES, check_style, find_style
from selfplay_envs.games.zero_sum.kuhn import Hand
from tests.helpers.styled_game import STYLED

RECORDED = json.loads((Path(__file__).parent / "recorded_prompts.json").read_text())
"""Prompts of every built-in game in both styles, recorded when one class per style knew them all."""


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['env_id']}-{row['kwargs']['style']}-{row['role']}")
def test_every_prompt_is_byte_for_byte_what_it_was(row):
    match = Match(Start(row["env_id"], 0, row["kwargs"], row["options"]))
    if "history" in row:
        match.game.hands = [Hand(history=tuple(row["history"]))]
    slot = match.game.pending()[0]
    assert slot.role == row["role"]
    assert [[message.role, message.content] for message in match.game.prompt(slot)] == row["messages"]


def test_an_unknown_style_gets_one_clear_sentence():
    with pytest.raises(UsageError, match="style='polite' is not known; choose one of full, terse"):
        find_style({"full": 1, "terse": 2}, "polite")
    with pytest.raises(UsageError, match="style='polite' is not known; choose one of full, terse"):
        check_style("polite")
    assert STYLES == ("full", "terse")


def test_a_game_from_outside_has_styles_of_its_own():
    match = Match(Start(STYLED, 0, {"style": "pirate"}))
    assert match.pending_prompts()[0].messages == (Message("user", "Say a word, matey."),)
    with pytest.raises(UsageError, match="style='polite' is not known; choose one of full, pirate"):
        Match(Start(STYLED, 0, {"style": "polite"}))
