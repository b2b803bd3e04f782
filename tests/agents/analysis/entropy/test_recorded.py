"""Recorded episodes with tokens: as replies, with the advantages that trained, and as predictions of the change of entropy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.algorithms.table import find_algorithm
from agents.analysis.entropy.curves import WHOLE
from agents.analysis.entropy.recorded import predicted_changes, recorded_replies, trained_tokens
from agents.analysis.finished_runs import read_runs
from agents.config.run import TrainConfig
from selfplay_envs import UsageError, read_episodes, write_episodes
from tests.helpers.token_runs import played_with_tokens, write_token_run


def test_every_sampled_message_is_a_reply_and_given_ones_are_none() -> None:
    episodes = played_with_tokens(seed=0, episodes=2)
    samples = recorded_replies(episodes)
    assert [sample.tag.metric_group for sample in samples] == ["proposer/letters", *["solver/letters"] * 3] * 2
    assert [sample.reply for sample in samples] == [turn.reply for episode in episodes for turn in episode.messages]
    first = episodes[0].messages[0]
    given = replace(first, reply=replace(first.reply, given=True))
    assert len(recorded_replies([replace(episodes[0], messages=(given, *episodes[0].messages[1:]))])) == 3
    bare = replace(first, reply=replace(first.reply, token_ids=(), logprobs=()))
    with pytest.raises(UsageError, match=r"^episodes: no message holds token ids and was sampled; train it with record_tokens"):
        recorded_replies([replace(episodes[0], messages=(bare,))])


def run_of(folder: Path, **settings: object) -> TrainConfig:
    return read_runs([write_token_run(folder, **settings)])[0].config  # type: ignore[arg-type]


def test_advantages_are_those_of_the_runs_algorithm(tmp_path: Path) -> None:
    """trr++: mean 0 and deviation 1 over the tokens of a role and task type, in the order of the returns."""
    config = run_of(tmp_path / "run")
    episodes = list(read_episodes(tmp_path / "run" / "episodes" / "step_000001.jsonl"))
    trained = trained_tokens(config, find_algorithm("trr++"), 1, episodes)
    assert trained is not None
    batch, advantage_BT = trained
    returns = np.array([turn.training_return for episode in episodes for turn in episode.messages])
    assert batch.returns_B.tolist() == pytest.approx(returns.tolist())
    expected = find_algorithm("trr++").advantages(batch)
    torch.testing.assert_close(advantage_BT, expected)
    for role in ("proposer", "solver"):
        rows = [row for row, tag in enumerate(batch.tags) if tag.role == role]
        tokens = advantage_BT[rows][batch.mask_BT[rows]]
        assert float(tokens.mean()) == pytest.approx(0.0, abs=1e-5)
        assert float(tokens.std()) == pytest.approx(1.0, abs=1e-3)
        of_message = advantage_BT[rows].sum(-1) / batch.mask_BT[rows].sum(-1)
        assert np.corrcoef(of_message.numpy(), returns[rows])[0, 1] == pytest.approx(1.0)


def test_roles_and_control_arms_are_the_runs(tmp_path: Path) -> None:
    episodes = played_with_tokens(seed=3, episodes=4)
    algorithm = find_algorithm("trr++")
    frozen = trained_tokens(run_of(tmp_path / "frozen", schedule="frozen:proposer"), algorithm, 1, episodes)
    assert frozen is not None
    assert {tag.role for tag in frozen[0].tags} == {"solver"}
    plain = trained_tokens(run_of(tmp_path / "plain"), algorithm, 1, episodes)
    flipped = trained_tokens(run_of(tmp_path / "flipped", reward="flipped"), algorithm, 1, episodes)
    assert plain is not None
    assert flipped is not None
    torch.testing.assert_close(flipped[1], -plain[1])


def test_predicted_changes_by_hand(tmp_path: Path) -> None:
    """Steps 1, 2 and 4 are recorded: step 2 stands for two updates, and step 4 for its own, whose end row 5 shows."""
    [run] = read_runs([write_token_run(tmp_path / "run", steps=(1, 2, 4))])
    changes = {change.group: change for change in predicted_changes(run)}
    assert list(changes) == [WHOLE, "proposer", "solver"]
    whole = changes[WHOLE]
    assert (whole.steps, whole.updates) == ([1, 2, 4], [1, 2, 1])
    assert whole.changes == pytest.approx([-0.1, -0.2, -0.1])
    assert changes["solver"].changes == pytest.approx([-0.09, -0.18, -0.09])
    episodes = list(read_episodes(tmp_path / "run" / "episodes" / "step_000002.jsonl"))
    trained = trained_tokens(run.config, find_algorithm("trr++"), 2, episodes)
    assert trained is not None
    batch, advantage_BT = trained
    logprob, advantage = batch.logprobs_BT[batch.mask_BT].numpy(), advantage_BT[batch.mask_BT].numpy()
    expected = float(np.cov(logprob, advantage, ddof=0)[0, 1])
    assert whole.covariances[1].natural == pytest.approx(expected, abs=1e-6)
    assert whole.totals[1] == pytest.approx(2 * expected, abs=1e-6)
    rows = [row for row, tag in enumerate(batch.tags) if tag.role == "solver"]
    logprob, advantage = (of[rows][batch.mask_BT[rows]].numpy() for of in (batch.logprobs_BT, advantage_BT))
    assert changes["solver"].covariances[1].natural == pytest.approx(float(np.cov(logprob, advantage, ddof=0)[0, 1]), abs=1e-6)


def test_longer_intervals_add_up_the_shorter_ones(tmp_path: Path) -> None:
    [run] = read_runs([write_token_run(tmp_path / "run", steps=(1, 2, 4))])
    short, long = predicted_changes(run)[0], predicted_changes(run, span=3)[0]
    assert (long.steps, long.updates) == ([1], [3])
    assert long.changes == pytest.approx([-0.3])
    assert long.totals[0] == pytest.approx(short.totals[0] + short.totals[1])
    assert long.covariances[0].tokens == short.covariances[0].tokens + short.covariances[1].tokens


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"algorithm": "rae"}, "algorithm='rae' needs state"),
        ({"algorithm": "ppo"}, "algorithm='ppo' needs value_head"),
        ({"algorithm": "rft"}, "algorithm='rft' imitates"),
        (
            {"algorithm": "grpo", "options": {"group_by": "role", "entropy_share": 0.2}},
            "need the scores of the model at every step",
        ),
    ],
)
def test_what_episodes_do_not_tell_is_one_sentence(tmp_path: Path, settings: dict[str, object], sentence: str) -> None:
    [run] = read_runs([write_token_run(tmp_path / "run", **settings)])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=sentence):
        predicted_changes(run)


def test_episodes_without_tokens_are_one_sentence(tmp_path: Path) -> None:
    [run] = read_runs([write_token_run(tmp_path / "run", steps=())])
    with pytest.raises(UsageError, match="has no recorded episodes; train it with record_tokens=true"):
        predicted_changes(run)
    write_episodes(tmp_path / "run" / "episodes" / "step_000001.jsonl", played_with_tokens(0, 2))
    with pytest.raises(UsageError, match="no message of its recorded episodes trained and holds tokens"):
        predicted_changes(run)
