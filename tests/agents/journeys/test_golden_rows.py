"""Every row of the table on one batch: advantage and loss as numbers, worked out by hand from its paper.

`tests.helpers.golden_batch` shows the batch. min(r A, clip(r) A) is written out token by token; S_i is a message's sum of new
log-probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import torch

from agents.algorithms.table import ALGORITHMS
from agents.config.objective import Option
from tests.helpers.golden_batch import golden_batch, losses_of, ready_of, row_of, spread

Numbers = tuple[float | tuple[float, ...] | None, ...]


@dataclass(frozen=True, kw_only=True)
class Golden:
    advantage: Numbers
    """Per message, or per token of it; None: the message does not train."""
    loss: float
    options: Mapping[str, Option] = field(default_factory=dict)
    reply_limit: int = 0
    batches: int = 1
    """Look at this batch after it came in so often."""


GROUPED = (0.7069068, -0.7069068, 0.9998667, -0.9998667, 0.0, 0.0, 0.0)
"""(R - mean) / (std + 1e-4): proposers 0.75, 0.25: +-0.25 / (0.25 sqrt 2 + 1e-4); q: 1, -0.5, 0.25 has mean 0.25, variance
(0.75^2 + 0.75^2 + 0) / 2 = 0.75^2: +-0.75 / 0.7501 and 0; r: equal returns."""
CENTRED = (0.25, -0.25, 0.75, -0.75, 0.0, 0.0, 0.0)
RETURNS = (0.75, 0.25, 1.0, -0.5, 0.25, 0.5, 0.5)
ONES = (1.0,) * 7
KL: dict[str, Option] = {"kl_coef": 0.5, "kl_in": "reward", "kl_estimator": "k1"}
"""Tokens earn -log(old / ref) / 2: -0.1 0.05 | -0.2 | -0.05 -0.05 -0.05 | 0.1 0 | -0.25 | 0 | -0.15. Their returns, each with
what is still to come: 0.7 0.8 | 0.05 | 0.85 0.9 0.95 | -0.4 -0.5 | 0 | 0.5 | 0.35. Rows with one advantage per message take
the first of these: see lsp-zero, where messages are compared."""

GOLDEN: dict[str, list[Golden]] = {
    # -sum_i R_i S_i / 11 = (2.1904189 + 0.2982868 + 4.4700036 - 1 + 0.375 + 0.3688179 + 1.0526803) / 11 = 7.7552074 / 11
    "reinforce": [
        Golden(advantage=RETURNS, loss=0.7050189),
        # the returns above times the new log-probabilities: 0.7 (-0.9205585) + 0.8 (-2) + 0.05 (-1.1931472)
        # + 0.85 (-0.7768564) + 0.9 (-2) + 0.95 (-1.6931472) - 0.4 (-1.6931472) - 0.5 (-0.3068528) + 0 + 0.5 (-0.7376357)
        # + 0.35 (-2.1053605) = -6.6478748
        Golden(
            options=KL,
            advantage=((0.7, 0.8), 0.05, (0.85, 0.9, 0.95), (-0.4, -0.5), 0.0, 0.5, 0.35),
            loss=0.6043523,
        ),
    ],
    # 11 tokens carry 1.5 + 0.25 + 3 - 1 + 0.25 + 0.5 + 0.5 = 5: mean 5/11. Squares 1.125 + 0.0625 + 3 + 0.5 + 0.0625 + 0.25
    # + 0.25 = 5.25: variance (5.25 - 25/11) / 10 = 0.2977273, root 0.5456439; A = (R - 0.4545455) / 0.5456439.
    # Terms: 0.5414787 (1.2 + 1), -0.3748699 0.8, 0.9996529 (1.2 + 1 + 0.5), -1.7493926 (0.8 + 2), -0.3748699, 0.0833044 2.1.
    "reinforce++": [
        Golden(advantage=(0.5414787, -0.3748699, 0.9996529, -1.7493926, -0.3748699, 0.0833044, 0.0833044), loss=0.1370736),
        # 7 messages: mean 2.75/7, squares 0.5625 + 0.0625 + 1 + 0.25 + 0.0625 + 0.5 = 2.4375, variance (2.4375 - 2.75^2/7) / 6
        # = 0.2261905, root 0.4755949
        Golden(
            options={"statistics": "sequence"},
            advantage=(0.7509392, -0.3003757, 1.2765967, -1.8773481, -0.3003757, 0.2252818, 0.2252818),
            loss=0.0204802,
        ),
        # the 11 sums to come: mean 4.2 / 11, squares 4.35, variance (4.35 - 4.2^2 / 11) / 10 = 0.2746364, root 0.5240576
        Golden(
            options=KL,
            advantage=(
                (0.6071505, 0.7979692),
                -0.6331712,
                (0.8933785, 0.9887879, 1.0841973),
                (-1.4918554, -1.6826741),
                -0.7285806,
                0.2255130,
                -0.0607150,
            ),
            loss=0.1316807,
        ),
        # totals 0.7 0.05 0.85 -0.4 0 0.5 0.35: mean 2.05 / 7, squares 1.7475, variance 0.1911905, root 0.4372533
        Golden(
            options={**KL, "statistics": "sequence"},
            advantage=(
                (0.9311372, 1.1598376),
                -0.5554152,
                (1.2741878, 1.3885379, 1.5028881),
                (-1.5845668, -1.8132672),
                -0.6697654,
                0.4737365,
                0.1306859,
            ),
            loss=-0.0567296,
        ),
    ],
    # proposer: tokens 0.75 0.75 0.25: mean 7/12, variance (2/36 + 4/36) / 2 = 1/12; A = 1/6 sqrt 12 and -1/3 sqrt 12.
    # solver: tokens 1 1 1 -.5 -.5 .25 .5 .5: mean 3.25/8 = 0.40625, variance (4.0625 - 3.25^2/8) / 7, root 0.6258923
    "trr++": [
        Golden(advantage=(0.5773502, -1.1547005, 0.9486457, -1.447933, -0.2496436, 0.1497862, 0.1497862), loss=0.0983229),
        # proposer: mean 0.5, variance 0.125; solver: mean 0.35, variance (1.8125 - 5 0.35^2) / 4 = 0.3
        Golden(
            options={"statistics": "sequence"},
            advantage=(0.7071068, -0.7071068, 1.1867322, -1.5518806, -0.1825742, 0.2738613, 0.2738613),
            loss=-0.0219450,
        ),
        # proposer: 0.7 0.8 0.05: mean 1.55 / 3, root 0.4072264; solver: the other eight: mean 2.65 / 8, root 0.5781359
        Golden(
            options=KL,
            advantage=(
                (0.4502000, 0.6957637),
                -1.1459637,
                (0.8972804, 0.9837653, 1.0702502),
                (-1.2648411, -1.4378108),
                -0.5729622,
                0.2918864,
                0.0324318,
            ),
            loss=0.1060132,
        ),
    ],
    # Every role's b starts at 0 and moves once per episode. proposer: A = 0.75 - 0, b = 0.05 0.75 = 0.0375; A = 0.25 - 0.0375.
    # solver: episode 0 against 0, its mean 0.25: b = 0.0125; episode 1: 0.5 - 0.0125.
    # Loss: -(0.75 2.2 + 0.2125 0.5 + 1 2.7 - 0.5 2.8 + 0.25 + 0.4875 1.2 + 0.4875 0.9) / 7 = -4.33 / 7
    "rae": [
        Golden(advantage=(0.75, 0.2125, 1.0, -0.5, 0.25, 0.4875, 0.4875), loss=-0.6185714),
        # second batch: proposer b = 0.95 0.0375 + 0.05 0.25 = 0.048125, then 0.95 0.048125 + 0.0375 = 0.0832188;
        # solver b = 0.95 0.0125 + 0.05 0.5 = 0.036875, then 0.95 0.036875 + 0.0125 = 0.0475313
        Golden(
            batches=2, advantage=(0.701875, 0.1667812, 0.963125, -0.536875, 0.213125, 0.4524687, 0.4524687), loss=-0.5554304
        ),
    ],
    # R minus the mean of the others: 0.75 - 0.25; 1 - (-0.25 / 2) = 1.125; -0.5 - 0.625; 0.25 - 0.25; 0.5 - 0.5.
    # -(0.5 (-2.9205585) - 0.5 (-1.1931472) + 1.125 (-4.4700036) - 1.125 (-2)) / 7
    "rloo": [Golden(advantage=(0.5, -0.5, 1.125, -1.125, 0.0, 0.0, 0.0), loss=0.5203514)],
    # means over tokens, then over 7 messages: 0.7069068 (1.2 + 1) / 2, -0.7069068 0.8, 0.9998667 (1.2 + 1 + 0.5) / 3,
    # -0.9998667 (0.8 + 2) / 2: sum -0.2878613
    "grpo": [Golden(advantage=GROUPED, loss=0.0411230)],
    # sums of tokens over 7 messages of at most 4: -(0.25 2.2 - 0.25 0.8 + 0.75 2.7 - 0.75 2.8) / 28 = -0.275 / 28
    "dr_grpo": [Golden(advantage=CENTRED, loss=-0.0098214, reply_limit=4)],
    # Limit 3, cache 0.6: the 3 tokens of message 2 lose (3 - 2.4) / 0.6 = 1, so q earns 0, -0.5, 0.25: mean -1/12, variance
    # (1/144 + 25/144 + 16/144) / 2 = 42/288, root 0.3818813; A = (1/12, -5/12, 4/12) / 0.3819813. Group r is constant: 9 tokens
    # are left. Message 0's ratio 8 is cut at 1.28: 0.7069068 2.28 - 0.7069068 0.8 + 0.2181608 (1.25 + 1 + 0.5) - 1.0908038 2.8
    # + 0.872643 = -0.5354434
    "dapo": [
        Golden(advantage=(0.7069068, -0.7069068, 0.2181608, -1.0908038, 0.872643, None, None), loss=0.0594937, reply_limit=3)
    ],
    # Geometric means of ratios sqrt 8, 1/2, (5/8)^(1/3) = 0.8549880, 1, cut to 1.0004 (A > 0) and 0.9997 (A < 0):
    # -(0.7069068 1.0004 - 0.7069068 0.9997 + 0.9998667 0.8549880 - 0.9998667) / 7
    "gspo": [Golden(advantage=GROUPED, loss=0.0206426)],
    # weights min(r, 5): 0.7069068 (5 (-0.9205585) - 2) - 0.7069068 0.5 (-1.1931472) + 0.9998667 (1.25 (-0.7768564) - 2
    # + 0.5 (-1.6931472)) - 0.9998667 (0.5 (-1.6931472) + 2 (-0.3068528)) = -6.6028876, over 11
    "cispo": [Golden(advantage=GROUPED, loss=0.6002625)],
    # Before whitening, from the last token back: A_T = R - V_T, A_t = V_{t+1} - V_t + 0.95 A_{t+1}:
    #   0: 0.75 - 0.5 = 0.25; 0.25 + 0.2375 = 0.4875              1: -0.25
    #   2: 0.75; -0.25 + 0.7125 = 0.4625; 0.5 + 0.439375 = 0.939375   3: -0.25; -0.5 - 0.2375 = -0.7375
    #   4: -0.5   5: 0.25   6: 0.5
    # mean 1.901875 / 11 = 0.1728977, variance 0.2861564, root 0.5349359. Policy loss 0.0417830.
    # Targets A + V; squares of max(|V - G|, |V_old + clip(V - V_old, 0.2) - G|), 0.2875^2 at message 0 (0.45 for 0.75) ...:
    # value loss 0.1034668, of which 0.1 counts
    "ppo": [
        Golden(
            advantage=(
                (0.5881121, 0.1441337),
                -0.7905577,
                (1.4328394, 0.5413775, 1.0788251),
                (-1.7018818, -0.7905577),
                -1.2579034,
                0.1441337,
                0.6114794,
            ),
            loss=0.0417830 + 0.1 * 0.1034668,
        ),
        # A_T = R + r_T - V_T, A_t = r_t + V_{t+1} - V_t + 0.95 A_{t+1}:
        #   0: 0.3; -0.1 + 0.25 + 0.285 = 0.435   1: -0.45
        #   2: 0.7; -0.05 - 0.25 + 0.665 = 0.365; -0.05 + 0.5 + 0.34675 = 0.79675   3: -0.25; 0.1 - 0.5 - 0.2375 = -0.6375
        #   4: -0.75   5: 0.25   6: 0.35
        # mean 1.10925 / 11, variance 0.2844309, root 0.5333206. Policy loss 0.0309646; of the targets A + V 0.0897701.
        Golden(
            options=KL,
            advantage=(
                (0.6265632, 0.3734322),
                -1.0328513,
                (1.3048606, 0.4953101, 1.1234500),
                (-1.3844221, -0.6578424),
                -1.5953647,
                0.2796799,
                0.4671844,
            ),
            loss=0.0309646 + 0.1 * 0.0897701,
        ),
    ],
    # Returns minus 0.05 (log old - log ref) summed: 0.745 0.23 | 0.985 -0.49 0.225 | 0.5 0.485; means 0.4875, 0.24, 0.4925.
    # Proposers -(0.2575 (-2.9205585) - 0.2575 (-1.1931472)) / 2 = 0.2224042; solvers 1.8373947 / 5 = 0.3674790
    "lsp-zero": [Golden(advantage=(0.2575, -0.2575, 0.745, -0.73, -0.015, 0.0075, -0.0075), loss=0.5898832)],
    # the same game with alpha_Ch = 0.5: 0.5 0.2224042 + 0.3674790
    "lsp": [
        Golden(
            options={"role_weights": "proposer=0.5"},
            advantage=(0.2575, -0.2575, 0.745, -0.73, -0.015, 0.0075, -0.0075),
            loss=0.4786811,
        )
    ],
    # -sum S_i / 11 = 14.9267055 / 11
    "sft": [Golden(advantage=ONES, loss=1.3569732)],
    # without message 3, which earned -0.5: 12.9267055 / 9
    "rft": [Golden(advantage=(1.0, 1.0, 1.0, None, 1.0, 1.0, 1.0), loss=1.4363006)],
    # Pairs (0, 1) and (2, 3); 4 meets nobody, 5 and 6 are equal. h = sum log(new / ref) = sum log r + log(old / ref):
    # ln 8 + 0.1 = 2.1794415, -ln 2 + 0.4 = -0.2931472, ln 0.625 + 0.3 = -0.1700036, 0 - 0.2 = -0.2.
    # log(1 + exp(-0.2472589)) = 0.5771405 and log(1 + exp(-0.0029999)) = 0.6916483: their mean
    "dpo": [Golden(advantage=(1.0, 1.0, 1.0, 1.0, None, None, None), loss=0.6343945)],
}
CASES = [pytest.param(name, case, id=f"{name}-{number}") for name, cases in GOLDEN.items() for number, case in enumerate(cases)]


def test_every_row_has_a_golden_case() -> None:
    assert set(GOLDEN) == set(ALGORITHMS)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_advantage_and_loss(name: str, case: Golden) -> None:
    row, state = row_of(name, case.options), {}
    for _ in range(case.batches):
        ready = ready_of(row, state=state, reply_limit=case.reply_limit)
    assert sorted(tag.message for tag in ready.batch.tags) == [i for i, one in enumerate(case.advantage) if one is not None]
    per_token = [
        one if isinstance(one, tuple) else (one or 0.0,) * size
        for one, size in zip(case.advantage, golden_batch().mask_BT.sum(-1).tolist(), strict=True)
    ]
    torch.testing.assert_close(ready.advantage_BT, spread(ready.batch, per_token), atol=2e-6, rtol=0)
    [loss] = losses_of(row, ready)
    assert loss == pytest.approx(case.loss, abs=1e-6)
    assert sum(losses_of(row, ready, micro=2)) == pytest.approx(case.loss, abs=1e-6)


def test_what_rae_remembers_after_two_batches() -> None:
    state: dict[str, float] = {}
    for _ in range(2):
        ready_of(row_of("rae"), state=state)
    # 0.95 0.0832188 + 0.05 0.25 and 0.95 0.0475313 + 0.05 0.5
    assert state == {"g proposer": pytest.approx(0.0915578, abs=1e-7), "g solver": pytest.approx(0.0701547, abs=1e-7)}
