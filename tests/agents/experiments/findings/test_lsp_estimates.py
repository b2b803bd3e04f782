"""Claims about Language Self-Play on planted effects: present, reversed, absent, drowned in noise; and numbers behind them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from agents.analysis.claims import Decision, JointDecision
from agents.experiments.designs.lsp import lsp
from agents.experiments.findings.decisions import decide_claims
from agents.experiments.findings.findings import Findings, find
from agents.experiments.findings.lsp_claims import CLAIMS, THEN_RL
from agents.experiments.findings.lsp_estimates import over_arm, over_base, share_in_style
from agents.experiments.folder import record_experiment
from agents.experiments.results import load_results
from agents.reports.experiment.pages import page_of
from agents.reports.text import markdown_of
from tests.helpers.planted_experiment import Planted
from tests.helpers.planted_lsp import write_lsp


def found_in(folder: Path, planted: Planted, *arms: str) -> Findings:
    write_lsp(folder, planted, arms)
    return find(load_results(folder))


def verdicts(found: Findings) -> dict[str, str]:
    return {one.claim.name: one.verdict for one in decide_claims(found)}


def test_what_is_there_is_reproduced(tmp_path: Path) -> None:
    assert verdicts(found_in(tmp_path, Planted(1.0))) == {claim.name: "reproduced" for claim in CLAIMS}


def test_what_is_reversed_is_refuted(tmp_path: Path) -> None:
    assert verdicts(found_in(tmp_path, Planted(-1.0))) == {claim.name: "refuted" for claim in CLAIMS}


def test_what_is_absent_is_not_reproduced(tmp_path: Path) -> None:
    """But for RL after LSP, which is as good as RL alone where nothing makes a difference."""
    found = verdicts(found_in(tmp_path, Planted(0.0)))
    assert "reproduced" not in {verdict for name, verdict in found.items() if name != THEN_RL.name}


def test_what_is_too_noisy_is_undecided_and_says_what_it_could_have_found(tmp_path: Path) -> None:
    decided = decide_claims(found_in(tmp_path, Planted(1.0, 0.1)))
    parts = [part for one in decided for part in (one.parts if isinstance(one, JointDecision) else (one,))]
    undecided = [part for part in parts if part.verdict == "undecided"]
    assert len(undecided) >= len(parts) - 2
    assert all(isinstance(part, Decision) and part.detectable is not None and part.detectable > 0 for part in undecided)


def test_estimates_are_the_means_of_tables(tmp_path: Path) -> None:
    found = found_in(tmp_path, Planted(1.0))
    wins = found.wins["held-out"]
    gain = over_base(found, "lsp")
    assert gain is not None
    assert gain.mean == pytest.approx(wins["lsp"].value_SP.mean() - 0.5)
    assert wins["lsp"].won_SP.mean() < wins["lsp"].value_SP.mean()
    assert np.allclose(wins["base"].value_SP, 0.5)
    difference = over_arm(found, "lsp-then-rl", "grpo-data")
    assert difference is not None
    three = wins["grpo-data"].value_SP[:3]  # the seeds that both have
    assert difference.mean == pytest.approx((wins["lsp-then-rl"].value_SP - three).mean())
    assert difference.seeds == 3
    style = share_in_style(found, "lsp-zero-weak")
    assert style is not None
    assert style.mean == pytest.approx(found.styles["lsp-zero-weak"].values_SPN.mean())


def test_what_is_missing_or_has_one_seed_is_not_measured(tmp_path: Path) -> None:
    write_lsp(tmp_path, Planted(1.0), ("base", "lsp", "lsp-weak"))
    for seed in (1, 2, 3, 4):
        shutil.rmtree(tmp_path / f"lsp/seed-{seed}")
    found = find(load_results(tmp_path))
    assert [over_base(found, "lsp"), over_arm(found, "lsp", "grpo-data"), share_in_style(found, "lsp-zero-weak")] == [None] * 3
    assert set(verdicts(found).values()) == {"undecided"}


def write_duels(out: Path, won: float) -> None:
    """Win rates of a judge of pairs: LSP and GRPO with three seeds each; the base ties with itself in half of its requests."""
    experiment = record_experiment(out, lsp(model="org/large", benchmark="alpacaeval", judge="module:Mine"))
    rng = np.random.default_rng(5)
    for arm in ("lsp", "grpo-data"):
        for seed in (0, 1, 2):
            folder = out / arm / f"seed-{seed}"
            (folder / "measured").mkdir(parents=True)
            duels = [duel(place, "win" if rng.random() < won else "loss") for place in range(80)]
            null = [duel(place, ("tie", "win", "tie", "loss")[place % 4]) for place in range(80)]
            row = {"step": 500, "requests": duels, "null_requests": null}
            (folder / "measured" / "benchmark.json").write_text(json.dumps({"name": "benchmark", "rows": [row]}))
            step = {"step": experiment.budget.steps, "tokens": 1.0, "optimizer_steps": 1, "entropy": 1.0}
            step |= {f"solver/instruction/{name}": 1.0 for name in ("count", "trained", "tokens", "entropy")}
            (folder / "metrics.jsonl").write_text(json.dumps(step) + "\n")


def duel(place: int, outcome: str) -> dict[str, str]:
    return {"instruction": f"q{place}", "subset": "ko"[place % 2], "shown_first": outcome, "shown_second": outcome}


def test_duels_of_a_judge_are_win_rates_beside_their_own_null(tmp_path: Path) -> None:
    write_duels(tmp_path, 0.9)
    found = find(load_results(tmp_path))
    wins = found.wins["benchmark"]
    assert set(wins) == {"base", "lsp", "grpo-data"}
    assert (wins["base"].value_SP.mean(), wins["base"].won_SP.mean()) == (0.5, 0.25)
    gain = over_base(found, "lsp")
    assert gain is not None
    assert gain.mean == pytest.approx(wins["lsp"].value_SP.mean() - 0.5)
    assert gain.low > 0
    text = markdown_of(page_of(found, decide_claims(found)))
    assert "The base has 50.0 and 25.0 against itself." in text


def test_judgements_that_are_all_unknown_are_no_win_rates(tmp_path: Path) -> None:
    write_duels(tmp_path, 0.9)
    for path in tmp_path.glob("*/*/measured/benchmark.json"):
        path.write_text(path.read_text().replace('"win"', '""').replace('"loss"', '""').replace('"tie"', '""'))
    found = find(load_results(tmp_path))
    assert [over_base(found, "lsp"), over_arm(found, "lsp", "grpo-data")] == [None] * 2
    assert "win-rate-benchmark" not in [section.name for section in page_of(found, decide_claims(found)).sections]
