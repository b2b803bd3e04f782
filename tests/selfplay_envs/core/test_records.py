from __future__ import annotations

import json
from dataclasses import replace

from selfplay_envs.core.records import Episode, Turn
from tests.helpers.batches import letters_played


def turn(**changes: object) -> Turn:
    return replace(letters_played()[0].messages[1], **changes)  # type: ignore[arg-type]


def test_a_training_return_is_the_games_credit_and_all_terms() -> None:
    rewarded = turn(credit=0.5, terms={"repetition": -0.25, "novelty": 1.0})
    assert (rewarded.credit, rewarded.shaped, rewarded.training_return) == (0.5, 0.75, 1.25)
    # added up in order, so that the sum rounds as it always did
    assert turn(credit=0.0, terms={"a": 1e16, "b": 1.0, "c": -1e16}).shaped == (1e16 + 1.0) - 1e16
    assert turn(credit=0.5, terms={}).training_return == 0.5


def test_records_keep_terms_and_their_sum() -> None:
    [episode] = letters_played()
    rewarded = turn(credit=0.5, terms={"repetition": -0.25})
    episode = replace(episode, messages=(episode.messages[0], rewarded))
    data = json.loads(episode.to_line())
    assert (data["messages"][1]["credit"], data["messages"][1]["shaped"]) == (0.5, -0.25)
    assert data["messages"][1]["terms"] == {"repetition": -0.25}
    assert Episode.from_json(data).messages[1].terms == {"repetition": -0.25}


def test_records_of_before_have_one_term_of_what_was_shaped() -> None:
    for shaped, terms in ((-0.25, {"shaped": -0.25}), (0.0, {})):
        data = turn(credit=0.5, terms={"x": shaped}).to_json()
        del data["terms"]
        assert Turn.from_json(data).terms == terms
        assert Turn.from_json(data).shaped == shaped
