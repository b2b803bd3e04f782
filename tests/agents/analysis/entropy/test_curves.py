"""Entropy over training from rows and from recorded episodes, and the mean of the seeds of an arm."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.analysis.entropy.curves import WHOLE, entropy_curves, recorded_curves, sampled_entropy
from selfplay_envs import UsageError, write_episodes
from tests.helpers.token_runs import played_with_tokens

ROWS = [
    {
        "step": step,
        "entropy": 0.5 / step,
        "entropy_sampled": 0.4,
        "proposer/deduction/count": 1,
        "proposer/deduction/tokens": 10.0,
        "proposer/deduction/entropy": 0.9,
        "solver/deduction/count": 4,
        "solver/deduction/tokens": 30.0,
        "solver/deduction/entropy": 0.2,
        "solver/abduction/count": 4,
        "solver/abduction/tokens": 10.0,
        "solver/abduction/entropy": 0.6,
    }
    for step in (1, 2)
]


def test_rows_become_curves_of_the_model_of_roles_and_of_roles_with_types() -> None:
    curves = entropy_curves(ROWS, "exact")
    assert list(curves) == [WHOLE, "proposer", "solver", "proposer/deduction", "solver/abduction", "solver/deduction"]
    assert curves[WHOLE].values == [0.5, 0.25]
    assert curves["solver"].values == pytest.approx([0.3, 0.3])  # (30 * 0.2 + 10 * 0.6) / 40
    assert curves["solver/abduction"].steps == [1, 2]
    assert list(entropy_curves(ROWS, "sampled")) == [WHOLE]  # of the groups no row has it
    with pytest.raises(ValueError, match="kind='recorded' is not in the rows"):
        entropy_curves(ROWS, "recorded")


def test_a_step_that_taught_nothing_has_no_entropy_and_a_role_that_does_not_train_none_at_all() -> None:
    frozen = [{key: value for key, value in row.items() if not key.startswith("proposer") or "count" in key} for row in ROWS]
    curves = entropy_curves([*frozen, {"step": 3, "tokens": 0.0}], "exact")
    assert "proposer" not in curves
    assert curves[WHOLE].steps == [1, 2]


def test_recorded_episodes_tell_of_all_that_was_sampled(tmp_path: Path) -> None:
    episodes = played_with_tokens(seed=0, episodes=2)
    means = sampled_entropy(episodes)
    turns = [turn for episode in episodes for turn in episode.messages]
    logprobs = [value for turn in turns for value in turn.reply.logprobs]
    assert means[WHOLE] == pytest.approx(-sum(logprobs) / len(logprobs))
    of_proposer = [value for turn in turns if turn.slot.role == "proposer" for value in turn.reply.logprobs]
    assert means["proposer"] == pytest.approx(-sum(of_proposer) / len(of_proposer))
    (tmp_path / "episodes").mkdir()
    write_episodes(tmp_path / "episodes" / "step_000004.jsonl", episodes, tokens=True)
    curves = recorded_curves(tmp_path)
    assert list(curves) == [WHOLE, "proposer", "solver", "proposer/letters", "solver/letters"]
    assert (curves[WHOLE].steps, curves[WHOLE].values) == ([4], [pytest.approx(means[WHOLE])])
    write_episodes(tmp_path / "episodes" / "step_000004.jsonl", episodes)
    with pytest.raises(UsageError, match="hold no log-probabilities; train it with record_tokens=true"):
        recorded_curves(tmp_path)
