"""What the papers that experiments follow have in the place of each section, and what a page is called."""

from __future__ import annotations

from collections.abc import Mapping

from ...experiments.findings.findings import Findings

TITLES: Mapping[str, str] = {
    "azr": "self-play beside fixed tasks and gold replies",
    "lsp": "Language Self-Play beside reinforcement learning on data",
}
"""By experiment."""
PUBLISHED: Mapping[tuple[str, str], str] = {
    (
        "azr",
        "pass-at-k",
    ): "The paper's own numbers per benchmark could not be read; it says that self-play is above its base "
    "at small k and that the base catches up or passes at large k. An independent measurement on HumanEval (base and "
    "AZR-Coder-7B, temperature 0.6) has 0.805 and 0.835 at k = 1, 0.951 and 0.970 at k = 16, 0.982 and 0.963 at k = 32.",
    (
        "azr",
        "entropy",
    ): "Both roles collapse, and the proposer's entropy stays above the solver's throughout (the paper's "
    "figure 4; no values could be read).",
    ("azr", "validation"): "With the reward that peaks at one half, final validation accuracy is 2 % lower, and entropy is "
    "unchanged.",
    ("azr", "curriculum"): "Proposals get harder and answers longer over training.",
    ("azr", "weights"): "AZR-Coder-7B leaves about 45.7 % unchanged; third-party notes give 94 to 98 % for RLVR and 3 to 7 % "
    "for SFT, with the labels swapped in one table. Mukherjee et al. (arXiv 2505.11711): 70 to 95 % for RL, 6 to 15 % for SFT, "
    "in bfloat16 with 1e-5.",
    ("lsp", "win-rate"): "AlpacaEval against the base, ties no wins, one run each: base 26.5 against itself, RL on data 38.8, "
    "LSP-Zero 32.0, LSP 36.4, LSP-Zero then RL 36.3, LSP then RL 39.5 % (table 2 of arXiv 2509.07414).",
    ("lsp", "style"): "With a weak reward model, LSP-Zero's solver answered most requests as Python code, and LSP's did not "
    "(section 6 of arXiv 2509.07414).",
    ("lsp", "curriculum"): "Requests get harder over training, late ones by constraints that nobody can meet (examples after "
    "500, 1,000 and 1,500 iterations in arXiv 2509.07414).",
}
"""By experiment and section."""


def published(findings: Findings, section: str) -> str:
    """What the experiment's paper has in the place of a section; empty where it has nothing."""
    return PUBLISHED.get((findings.results.experiment.name, section), "")
