"""What the first study of self-play claims, as statistics with a direction and a margin, fixed before the first run.

The paper's findings are told in `sentence`; where it gives no margin or definition, the one here is ours. Read with
`agents.analysis.claims`: a claim is reproduced or refuted where its 95 % interval says so, else undecided.

See: Chae, Alam and Rastogi, Towards understanding self-play for LLM reasoning, arXiv 2510.27072; Mukherjee et al.,
arXiv 2505.11711, and Cui et al., arXiv 2505.22617, where named.
"""

from __future__ import annotations

from ...analysis.claims import Claim, Conjunction, rising_order

PAPER = "Chae et al., arXiv 2510.27072"
POINT = 0.01
"""One point of pass@1."""

GAIN = Claim(
    name="gain",
    sentence="Self-play solves more than the base model with one sample.",
    source=PAPER,
    statistic="pass@1 on held-out problems, self-play less base",
)
CLOSING_GAP = Claim(
    name="closing-gap",
    sentence="The gain of self-play closes, or turns, where many samples are drawn.",
    source=PAPER,
    statistic="gain over the base at k = 1 less gain at the largest k",
)
ENTROPIES = Conjunction(
    name="entropies",
    sentence="Entropy falls in both roles, and the proposer's stays above the solver's.",
    source=PAPER,
    parts=(
        Claim(
            name="proposer above solver",
            sentence="The proposer's entropy is above the solver's.",
            source=PAPER,
            statistic="mean entropy over the run, proposer less solver, nats per token",
        ),
        Claim(
            name="proposer falls",
            sentence="The proposer's entropy falls.",
            source=PAPER,
            statistic="proposer's entropy, last tenth of the steps less first, nats per token",
            direction="below",
        ),
        Claim(
            name="solver falls",
            sentence="The solver's entropy falls.",
            source=PAPER,
            statistic="solver's entropy, last tenth of the steps less first, nats per token",
            direction="below",
        ),
    ),
)
FROZEN = Conjunction(
    name="frozen-proposer",
    sentence="With a proposer that never learns entropy stays higher, and tasks do not get harder with the solver.",
    source=PAPER,
    parts=(
        Claim(
            name="entropy is kept",
            sentence="The solver's entropy stays higher than in self-play.",
            source=PAPER,
            statistic="solver's entropy in the last tenth of the steps, frozen less self-play, nats per token",
        ),
        Claim(
            name="difficulty is lost",
            sentence="More of its proposals' panels solve them at the end.",
            source=PAPER,
            statistic="solve rate of valid proposals in the last fifth of the recorded steps, frozen less self-play",
        ),
    ),
)
HALF_PEAK = Claim(
    name="half-peak",
    sentence="The reward that peaks at a solve rate of one half is not better than the paper's.",
    source=PAPER,
    statistic="pass@1 on held-out problems, half-peak less self-play",
    direction="below",
    margin=POINT,
)
SPARSITY = rising_order(
    "sparsity",
    "RLVR leaves more weights unchanged than self-play, and self-play more than SFT.",
    f"{PAPER}; Mukherjee et al., arXiv 2505.11711",
    arms=("sft", "self-play", "rlvr"),
    quantity="share of weights unchanged in bfloat16 at equal size of the update",
)
LAW = Claim(
    name="entropy-law",
    sentence="What a run gains it pays for with entropy: R = b - a exp(H) with a above 0.",
    source="Cui et al., arXiv 2505.22617",
    statistic="a, of pass@1 on validation problems against the entropy of what trained, over arms whose replies are all "
    "sampled",
)
RANDOM = Claim(
    name="random-reward",
    sentence="A reward without information teaches nothing (a control that the paper lacks).",
    source="control",
    statistic="pass@1 on held-out problems, random reward less base",
    direction="below",
    margin=POINT,
)
CLAIMS: tuple[Claim | Conjunction, ...] = (GAIN, CLOSING_GAP, ENTROPIES, FROZEN, HALF_PEAK, SPARSITY, LAW, RANDOM)
"""In the order of the report."""
