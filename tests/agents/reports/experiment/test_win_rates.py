"""The page of the experiment `lsp`: win rates beside the null, scores, and how many answers are in the style."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.analysis.intervals import RATE, crossed_mean
from agents.experiments.findings.decisions import decide_claims
from agents.experiments.findings.findings import find
from agents.experiments.findings.lsp_estimates import share_in_style
from agents.experiments.results import load_results
from agents.reports.experiment.pages import page_of
from agents.reports.text import markdown_of
from tests.helpers.planted_experiment import Planted
from tests.helpers.planted_lsp import write_lsp


def cells(text: str, arm: str, column: int = 1) -> list[list[str]]:
    """Rows of tables that begin with an arm's name."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith(f"| {arm} |")
    ]
    return [row for row in rows if len(row) > column]


def test_the_page_says_what_the_numbers_say(tmp_path: Path) -> None:
    write_lsp(tmp_path, Planted(1.0))
    found = find(load_results(tmp_path))
    text = markdown_of(page_of(found, decide_claims(found)))
    assert text.startswith("# The experiment lsp: Language Self-Play beside reinforcement learning on data")
    assert "Of 5 claims: 5 reproduced, 0 refuted, 0 undecided." in text
    wins, style = found.wins["held-out"]["lsp"], share_in_style(found, "lsp")
    rate, won = (crossed_mean(table_SP, wins.programs, RATE) for table_SP in (wins.value_SP, wins.won_SP))
    assert style is not None
    shown = [f"{100 * rate.mean:.1f}", f"[{100 * rate.low:.1f}, {100 * rate.high:.1f}]", f"{100 * won.mean:.1f}"]
    assert any(row[1:5] == ["5", *shown] for row in cells(text, "lsp"))
    assert any(row[1:3] == ["5", f"{100 * style.mean:.1f}"] for row in cells(text, "lsp"))
    null = 100 * found.wins["held-out"]["base"].won_SP.mean()
    assert f"The base has 50.0 and {null:.1f} against itself." in text
    mean = 100 * found.scores["held-out"]["base"].means().mean()
    assert f"Its answers score {mean:.1f} %." in text
    assert "Two stages make up the budget of lsp-then-rl, rl-then-lsp" in text


@pytest.mark.parametrize("arms", [("base",), ("lsp",), ("base", "lsp-zero-weak"), ("lsp-then-rl", "lsp")])
def test_any_arms_give_a_page(tmp_path: Path, arms: tuple[str, ...]) -> None:
    write_lsp(tmp_path, Planted(1.0), arms)
    found = find(load_results(tmp_path))
    page = page_of(found, decide_claims(found))
    names = [section.name for section in page.sections]
    assert names[:2] == ["claims", "budget"]
    assert ("win-rate-held-out" in names) == ("base" in arms and len(arms) > 1)
    assert "style" in names
    assert ("stability" in names) == (arms != ("base",))
    assert "nan" not in markdown_of(page).replace("`nan`", "")


def test_a_second_stage_stands_behind_the_first_in_pictures(tmp_path: Path) -> None:
    experiment = write_lsp(tmp_path, Planted(1.0), ("base", "lsp", "lsp-then-rl"))
    found = find(load_results(tmp_path))
    steps = experiment.budget.steps
    assert [run.rows[-1]["step"] for run in found.runs["lsp-then-rl"]] == [steps] * 3
    assert {curve.steps[-1] for curve in found.entropies if curve.arm == "lsp-then-rl"} == {steps, steps // 2}
    realised = found.realised["lsp-then-rl"]
    assert realised.optimizer_steps == (steps,) * 3
    assert realised.distinct_tasks == min(1_024, 8 * (steps - steps // 2))
