"""Language Self-Play by hand: one batch of 8 queries with 4 answers each, from the game to the loss, and what its KL can mean.

Scores of the reward model have no bounds. R[i][j], with V its mean per query, and R_Q[i][j] with V_Q:

    query  R                         V      R_Q        V_Q
    0      -3.2  11.7   0.5   3.0    3      4 6 5 5    5
    1       1     1     1     1      1      7 7 7 7    7
    2      -4    -2     0     2     -1      0 2 4 6    3
    3       8     4     4     0      4      1 3 3 1    2
    4      -3.2  -3.2  -1.8  -1.8   -2.5    0 0 0 0    0
    5       0     0     0     2      0.5    3 5 3 5    4
    6      11.7  11.7  -3.4   4.0    6      2 2 2 2    2
    7      -6    -2    -2    -2     -3      1 1 1 1    1

The mean of V is 8 / 8 = 1, that of V_Q is 24 / 8 = 3.

See: Kuba et al., arXiv 2509.07414, equations 2-5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.algorithms.algorithm import Algorithm
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Sample, Tag, TokenBatch, collate, samples_of
from agents.learner.prepare import prepare
from agents.learner.prepared_batch import Prepared
from agents.learner.step_loss import step_loss
from agents.models.forward import BatchScores, Scored
from selfplay_envs import JudgeItem, Referee, Reply, Score, Start, play_episode
from selfplay_envs.core.records import Episode
from selfplay_envs.replies.parsing import fence

R = (
    (-3.2, 11.7, 0.5, 3.0),
    (1.0, 1.0, 1.0, 1.0),
    (-4.0, -2.0, 0.0, 2.0),
    (8.0, 4.0, 4.0, 0.0),
    (-3.2, -3.2, -1.8, -1.8),
    (0.0, 0.0, 0.0, 2.0),
    (11.7, 11.7, -3.4, 4.0),
    (-6.0, -2.0, -2.0, -2.0),
)
V = (3.0, 1.0, -1.0, 4.0, -2.5, 0.5, 6.0, -3.0)
R_Q = ((4, 6, 5, 5), (7, 7, 7, 7), (0, 2, 4, 6), (1, 3, 3, 1), (0, 0, 0, 0), (3, 5, 3, 5), (2, 2, 2, 2), (1, 1, 1, 1))
V_Q = (5.0, 7.0, 3.0, 2.0, 0.0, 4.0, 2.0, 1.0)
BETA = 0.05


class Told:
    """Gives an answer the number at a place of its text; a request without answers is fine."""

    name = "told"

    def __init__(self, place: int) -> None:
        self.place = place

    def score(self, items: list[JudgeItem]) -> list[Score]:
        return [Score(values=tuple(float(answer.split()[self.place]) for answer in item.answers)) for item in items]


def reply(text: str, logprobs: tuple[float, float]) -> Reply:
    return Reply(text=text, prompt_ids=(1,), token_ids=(2, 3), logprobs=logprobs)


def challenger_logprobs(query: int) -> tuple[float, float]:
    return -1.0, -0.5 * query


def solver_logprobs(query: int, attempt: int) -> tuple[float, float]:
    return -0.25 * query, -1.0 * attempt


def episodes(**weights: float) -> list[Episode]:
    """One episode per query, in the wording that takes a whole reply for the answer."""
    played: list[Episode] = []
    for query in range(8):

        def act(asks: Sequence[object], query: int = query) -> list[Reply]:
            if len(asks) == 1:
                return [reply(fence("instruction", f"Query {query}"), challenger_logprobs(query))]
            return [reply(f"{R[query][j]} {R_Q[query][j]}", solver_logprobs(query, j)) for j in range(4)]

        start = Start("SelfPlay/InstructionChallenge-v0", query, {"attempts": 4, "style": "open", **weights}, {})
        played.append(play_episode(start, act, Referee("process", Told(0), {"self": Told(1)})))
    return played


class Above:
    """A reference that thinks 0.1 i nats less of challenge i, and 0.2 j of an answer j, on its first token."""

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        raise AssertionError("one step on-policy needs no scores of the learner")

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        reference_BT = batch.logprobs_BT.clone()
        for row, tag in enumerate(batch.tags):
            attempt = tag.message - 1
            first = int(batch.mask_BT[row].int().argmax())
            reference_BT[row, first] -= 0.1 * tag.episode if tag.role == "challenger" else 0.2 * attempt
        return reference_BT


def prepared(row: Algorithm, of: list[Episode]) -> Prepared:
    batch = collate(samples_of(of), pad_id=0)
    ready = prepare(batch, row, Above(), state={}, rng=np.random.default_rng(0))
    assert ready is not None
    return ready


def advantages(ready: Prepared) -> tuple[list[float], list[list[float]]]:
    """Of the 8 challenges, and of the 4 answers to each."""
    challenger, solver = [0.0] * 8, [[0.0] * 4 for _ in range(8)]
    for tag, row in zip(ready.batch.tags, ready.advantage_BT, strict=True):
        numbers = row[row != 0].unique().tolist() or [0.0]
        assert len(numbers) == 1  # both tokens carry the message's
        if tag.role == "challenger":
            challenger[tag.episode] = numbers[0]
        else:
            solver[tag.episode][tag.message - 1] = numbers[0]
    return challenger, solver


def test_the_table_above_adds_up() -> None:
    assert [sum(row) / 4 for row in R] == pytest.approx(V)
    assert [sum(row) / 4 for row in R_Q] == pytest.approx(V_Q)
    assert (sum(V) / 8, sum(V_Q) / 8) == pytest.approx((1.0, 3.0))


def test_credits_of_lsp_zero_are_r_and_minus_v() -> None:
    for query, episode in enumerate(episodes()):
        challenge, *answers = episode.messages
        assert challenge.credit == pytest.approx(-V[query])
        assert [turn.credit for turn in answers] == pytest.approx(list(R[query]))
        assert sum(episode.outcome.values()) == pytest.approx(0.0)


def test_credits_of_lsp_add_the_quality_as_it_is() -> None:
    for query, episode in enumerate(episodes(quality_weight=1.0)):
        challenge, *answers = episode.messages
        assert challenge.credit == pytest.approx(-V[query] + V_Q[query])
        assert [turn.credit for turn in answers] == pytest.approx([r + q for r, q in zip(R[query], R_Q[query], strict=True)])
        assert episode.outcome["challenger", 0] == pytest.approx(-V[query])  # the payoffs stay zero-sum, on R alone
    first = episodes(quality_weight=1.0)[0]
    assert [turn.credit for turn in first.messages] == pytest.approx([2.0, 0.8, 17.7, 5.5, 8.0])


def test_both_rewards_can_be_weighed() -> None:
    """R / 10 + R_Q / 2 of query 0: -0.32 + 2, 1.17 + 3, 0.05 + 2.5, 0.3 + 2.5; V / 10 = 0.3, V_Q / 2 = 2.5."""
    first = episodes(reward_weight=0.1, quality_weight=0.5)[0]
    assert [turn.credit for turn in first.messages] == pytest.approx([2.2, 1.68, 4.17, 2.55, 2.8])


def test_advantages_of_lsp_zero_without_kl() -> None:
    row = ALGORITHMS["lsp-zero"].configured({"kl_coef": 0.0})
    challenger, solver = advantages(prepared(row, episodes()))
    assert challenger == pytest.approx([-2, 0, 2, -3, 3.5, 0.5, -5, 4])  # 1 - V
    assert solver[0] == pytest.approx([-6.2, 8.7, -2.5, 0.0], abs=1e-5)
    assert solver[1] == [0.0] * 4
    assert solver[6] == pytest.approx([5.7, 5.7, -9.4, -2.0], abs=1e-5)
    assert solver[7] == pytest.approx([-3, 1, 1, 1])


def test_advantages_of_lsp_without_kl() -> None:
    row = ALGORITHMS["lsp"].configured({"kl_coef": 0.0})
    challenger, solver = advantages(prepared(row, episodes(quality_weight=1.0)))
    assert challenger == pytest.approx([0, 4, 2, -4, 0.5, 1.5, -6, 2])  # -V + V_Q, whose mean is 16 / 8 = 2
    assert solver[0] == pytest.approx([-7.2, 9.7, -2.5, 0.0], abs=1e-5)  # 0.8, 17.7, 5.5, 8, whose mean is 8
    assert solver[2] == pytest.approx([-6, -2, 2, 6])  # -4, 0, 4, 8, whose mean is 2


@pytest.mark.parametrize(("name", "weight"), [("lsp-zero", 0.0), ("lsp", 1.0)])
def test_kl_in_the_reward_and_the_loss_of_the_whole_batch(name: str, weight: float) -> None:
    """Credits less 0.05 times the message's log(pi / ref), centred; then -mean of A log pi of each role, added up."""
    ready = prepared(ALGORITHMS[name], episodes(quality_weight=weight))
    challenger, solver = advantages(ready)
    loss = 0.0
    credits = [-V[i] + weight * V_Q[i] - BETA * 0.1 * i for i in range(8)]
    for i in range(8):
        expected = credits[i] - sum(credits) / 8
        assert challenger[i] == pytest.approx(expected, abs=1e-5)
        loss -= expected * sum(challenger_logprobs(i)) / 8
        answers = [R[i][j] + weight * R_Q[i][j] - BETA * 0.2 * j for j in range(4)]
        for j in range(4):
            expected = answers[j] - sum(answers) / 4
            assert solver[i][j] == pytest.approx(expected, abs=1e-5)
            loss -= expected * sum(solver_logprobs(i, j)) / 32
    if name == "lsp-zero":  # log(pi / ref) of query 0's answers is 0, 0.2, 0.4, 0.6, whose mean is 0.3
        assert solver[0] == pytest.approx([-6.2 + 0.015, 8.7 + 0.005, -2.5 - 0.005, 0.0 - 0.015], abs=1e-5)
    own_N = ready.batch.logprobs_BT[ready.batch.mask_BT]
    scored = Scored(own_N, torch.zeros_like(own_N), None, slots=0, used=0)
    rows = list(range(len(ready.batch)))
    assert step_loss(scored, ready, rows, ready.batch.mask_BT, ALGORITHMS[name])[0].item() == pytest.approx(loss, abs=1e-4)


LOGITS = torch.tensor([[0.3, -0.8, 1.1], [0.5, 0.0, -0.4], [-1.0, 0.2, 0.6], [0.1, 0.7, -0.3]], dtype=torch.float64)
REFERENCE = torch.tensor([[0.0, 0.4, -0.2], [-0.6, 0.3, 0.1], [0.9, -0.5, 0.0], [0.2, -0.1, 0.4]], dtype=torch.float64)
"""A policy of two symbols out of three: the logits of the first symbol, then those of the second after each first one."""


def of_messages(table: Tensor) -> Tensor:
    """Log-probabilities (9, 2) of all nine messages."""
    logprobs = table.log_softmax(-1)
    first, second = torch.arange(9) // 3, torch.arange(9) % 3
    return torch.stack([logprobs[0, first], logprobs[1 + first, second]], -1)


class Softmax:
    """Its reference is `REFERENCE`."""

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        return BatchScores(batch.logprobs_BT)

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        return torch.zeros(batch.mask_BT.shape, dtype=torch.float64).masked_scatter(batch.mask_BT, of_messages(REFERENCE))


def expected_gradient(kl_in: str, kl_estimator: str) -> Tensor:
    """Of the loss on messages that all earn 0, so that KL is all there is, under the policy: exact, over all nine messages."""
    options = {"kl_in": kl_in, "kl_estimator": kl_estimator, "kl_coef": 1.0, "kl_clamp": 0.0, "group_by": "role"}
    row = ALGORITHMS["lsp-zero"].configured(options)
    logits = LOGITS.clone().requires_grad_()
    own_92 = of_messages(logits)
    samples = [
        Sample(
            Reply(text="", prompt_ids=(1,), token_ids=(2, 3), logprobs=tuple(own_92[i].tolist())),
            0.0,
            Tag(role="solver", task_type="x", prompt_id="q", env_id="g", episode=0, message=i),
        )
        for i in range(9)
    ]
    ready = prepare(collate(samples, pad_id=0), row, Softmax(), state={}, rng=np.random.default_rng(0))
    assert ready is not None
    total = torch.zeros_like(LOGITS)
    for i in range(9):
        scored = Scored(own_92[i], torch.zeros(2), None, slots=0, used=0)
        loss = 9 * step_loss(scored, ready, [i], ready.batch.rows([i]).mask_BT, row)[0]  # the batch's mean has 1 / 9 of it
        [gradient] = torch.autograd.grad(loss, logits, retain_graph=True)
        total += own_92[i].sum().detach().exp() * gradient
    return total


def gradient_of_kl(*, forward: bool) -> Tensor:
    """Of KL(ref || pi), or of KL(pi || ref), of whole messages."""
    logits = LOGITS.clone().requires_grad_()
    own, ref = of_messages(logits).sum(-1), of_messages(REFERENCE).sum(-1)
    kl = (ref.exp() * (ref - own)).sum() if forward else (own.exp() * (own - ref)).sum()
    [gradient] = torch.autograd.grad(kl, logits)
    return gradient


def test_the_three_readings_of_kl_by_their_expected_gradients() -> None:
    """In the reward: that of the reverse KL. As printed, k1 in the loss: none at all. k3 in the loss: neither none nor that."""
    reverse = gradient_of_kl(forward=False)
    assert reverse.abs().max() > 0.1
    torch.testing.assert_close(expected_gradient("reward", "k1"), reverse, atol=1e-6, rtol=0)
    printed = expected_gradient("loss", "k1")
    assert printed.abs().max().item() == pytest.approx(0.0, abs=1e-12)
    library = expected_gradient("loss", "k3")
    assert library.abs().max() > 0.1
    assert (library - reverse).abs().max() > 0.01


def test_k3_of_a_message_of_one_token_has_the_gradient_of_the_forward_kl() -> None:
    """The first symbol's share of it: pi - ref, what k3 does to the last token of every message likewise."""
    own, ref = LOGITS.softmax(-1), REFERENCE.softmax(-1)
    found = expected_gradient("loss", "k3")
    torch.testing.assert_close(found[0], own[0] - ref[0], atol=1e-6, rtol=0)
    for first in range(3):
        torch.testing.assert_close(found[1 + first], own[0, first] * (own[1 + first] - ref[1 + first]), atol=1e-6, rtol=0)


def test_the_readings_are_named_where_the_algorithm_is_shown() -> None:
    for name in ("lsp-zero", "lsp"):
        paper = ALGORITHMS[name].paper
        assert all(
            words in paper for words in ("kl_in=reward kl_estimator=k1", "kl_in=loss kl_estimator=k3", "as they are printed")
        )
    assert math.isclose(ALGORITHMS["lsp"].objective.kl_coef, BETA)
