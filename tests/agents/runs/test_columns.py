"""Numbers by role and task type from hand-made rows, and the newest recorded proposals."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.runs.columns import distinct_share, groups_of, last_proposals, of_role, reward_terms, roles_of, short_game
from selfplay_envs import Referee, ScriptedPlayer, Start, play_episode, write_episodes
from tests.helpers.run_rows import metrics_row


def test_a_reason_that_is_called_count_is_no_group() -> None:
    row = {"solver/x/count": 3, "solver/x/reason/count": 2, "solver/x/void/count": 1, "solver/x/quality/count": 1}
    assert groups_of(row) == ["solver/x"]


def test_numbers_by_role_are_weighted_by_messages():
    row = metrics_row(1)
    assert roles_of(row) == ["proposer", "solver"]
    assert groups_of(row) == ["proposer/deduction", "solver/abduction", "solver/deduction"]
    assert of_role(row, "solver", "solve_rate") == pytest.approx((4 * 0.5 + 12 * 0.25) / 16)
    assert of_role(row, "dealer", "solve_rate") is None
    row["solver/abduction/void"] = 8  # its mean is over the four others
    assert of_role(row, "solver", "solve_rate") == pytest.approx((4 * 0.5 + 4 * 0.25) / 8)
    row |= {"solver/abduction/stop_rate": 1.0, "solver/deduction/stop_rate": 0.0}
    assert of_role(row, "solver", "stop_rate") == 12 / 16  # of all messages, void ones too


def test_entropy_by_role_is_per_token():
    row = metrics_row(1) | {"solver/deduction/entropy": 2.0, "solver/abduction/entropy": 1.0}
    lengths = {"solver/deduction/reply_tokens": 30.0, "solver/abduction/reply_tokens": 5.0}
    # 4 messages of 30 tokens and 12 of 5: 120 and 60 tokens; by messages it would be 1.25
    assert of_role(row | lengths, "solver", "entropy") == pytest.approx((120 * 2 + 60 * 1) / 180)
    # where only two of the long messages trained, the learner's own count says so
    trained = {"solver/deduction/tokens": 60.0, "solver/abduction/tokens": 60.0}
    assert of_role(row | lengths | trained, "solver", "entropy") == pytest.approx(1.5)
    kl = {"solver/deduction/kl_reference": 0.5, "solver/abduction/kl_reference": 0.1}
    assert of_role(row | kl | lengths, "solver", "kl_reference") == pytest.approx((120 * 0.5 + 60 * 0.1) / 180)


def test_quality_by_role_is_over_what_was_judged():
    row = metrics_row(1) | {"solver/deduction/quality_mean": 1.0, "solver/abduction/quality_mean": 0.0}
    row |= {"solver/deduction/quality/ok": 3, "solver/abduction/quality/ok": 0, "solver/abduction/quality/unparsed": 1}
    assert of_role(row, "solver", "quality_mean") == 3 / 4
    assert distinct_share(row) == 0.5
    assert distinct_share({"step": 1}) is None
    assert short_game("SelfPlay/KuhnPoker-v0") == "kuhnpoker"


def test_terms_of_a_reward_are_over_all_messages_of_a_role_that_are_not_void() -> None:
    row = {
        "solver/a/count": 4,
        "solver/a/void": 1,
        "solver/a/credit_mean": 1.0,
        "solver/a/reward/game": 1.0,
        "solver/a/reward/novelty": -0.5,
        "solver/a/reward/count": 2.0,
        "solver/b/count": 1,
        "solver/b/credit_mean": 0.0,
        "proposer/count": 2,
        "proposer/credit_mean": 0.25,
    }
    assert groups_of(row) == ["proposer", "solver/a", "solver/b"]
    assert reward_terms(row, "solver") == {"game": 0.75, "count": 1.5, "novelty": -0.375}
    assert reward_terms(row, "proposer") == {"game": 0.25}
    assert reward_terms({}, "solver") == {}
    before = {"p/x/count": 2, "p/x/credit_mean": 0.1, "p/x/shaped_mean": -0.5}  # of a run that an older version began
    assert reward_terms(before, "p") == {"game": 0.1, "shaped": -0.5}
    assert of_role(row, "solver", "reward/novelty") == -0.5


def test_last_proposals_counts_valid_and_distinct(tmp_path: Path):
    (tmp_path / "episodes").mkdir()
    referee = Referee("process")
    texts = [f"```python\ndef f(x):\n    return x + {n}\n```\n```input\n1\n```" for n in (1, 1, 2)] + ["nothing"]
    players = [ScriptedPlayer([text, "```output\n2\n```"]) for text in texts]
    episodes = [play_episode(Start("SelfPlay/Deduction-v0", 0, {"attempts": 1}), player, referee) for player in players]
    write_episodes(tmp_path / "episodes" / "step_000001.jsonl", episodes)
    proposals = last_proposals(tmp_path)
    assert proposals is not None
    assert (proposals.count, proposals.valid, proposals.distinct) == (4, 3, 2)
    assert last_proposals(tmp_path / "nowhere") is None
