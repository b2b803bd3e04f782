"""What Language Self-Play's authors claim, as statistics with a direction and a margin, fixed before the first run.

The paper has one run per arm, win rates of AlpacaEval by a model as the judge, and no margins: those here are ours. Of the tiny
model the answers are scored by rules, and win rates are made of all pairs of scores; see `agents.analysis.answers.scores`. The
value of a win rate counts a tie as half, so that the base has 1/2 against itself.

See: Kuba et al., Language Self-Play for data-free training, arXiv 2509.07414, table 2 and section 6.
"""

from __future__ import annotations

from ...analysis.claims import Claim, Conjunction

PAPER = "Kuba et al., arXiv 2509.07414"
POINT = 0.01
"""One point of a win rate."""
HALF = 0.5
"""Share of answers in a style from which on a player is said to have gone over to it."""

BETWEEN = Conjunction(
    name="between",
    sentence="Without data, Language Self-Play is above the base and below reinforcement learning on data.",
    source=PAPER,
    parts=(
        Claim(
            name="above the base",
            sentence="LSP is above the base.",
            source=PAPER,
            statistic="win rate of LSP against the base, less the base's against itself",
        ),
        Claim(
            name="below data",
            sentence="LSP is below GRPO on data.",
            source=PAPER,
            statistic="win rate against the base, LSP less GRPO on data",
            direction="below",
        ),
    ),
)
ZERO = Claim(
    name="lsp-zero",
    sentence="LSP-Zero is above the base.",
    source=PAPER,
    statistic="win rate of LSP-Zero against the base, less the base's against itself",
)
QUALITY = Claim(
    name="quality",
    sentence="Self-play is better where quality is rewarded too.",
    source=PAPER,
    statistic="win rate against the base, LSP less LSP-Zero",
)
THEN_RL = Claim(
    name="then-rl",
    sentence="RL after LSP is at least as good as RL alone (here with as many steps in all, in the paper with more).",
    source=PAPER,
    statistic="win rate against the base, LSP then RL less GRPO on data",
    margin=-POINT,
)
STYLE = Conjunction(
    name="style",
    sentence="With a judge that likes a style, LSP-Zero goes over to it, and LSP does not.",
    source=PAPER,
    parts=(
        Claim(
            name="LSP-Zero goes over",
            sentence="Most answers of LSP-Zero are in the style.",
            source=PAPER,
            statistic="share of answers to held-out instructions in the style, LSP-Zero with the weak judge",
            margin=HALF,
        ),
        Claim(
            name="LSP does not",
            sentence="Most answers of LSP are not.",
            source=PAPER,
            statistic="share of answers to held-out instructions in the style, LSP with the weak judge",
            direction="below",
            margin=HALF,
        ),
    ),
)
CLAIMS: tuple[Claim | Conjunction, ...] = (BETWEEN, ZERO, QUALITY, THEN_RL, STYLE)
"""In the order of the report."""
