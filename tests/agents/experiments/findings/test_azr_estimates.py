"""Planted effects: claims that hold are reproduced, reversed ones refuted, absent ones not reproduced, noisy ones undecided."""

import json
import shutil
from pathlib import Path

from agents.analysis.claims import JointDecision
from agents.analysis.intervals import Estimate
from agents.experiments.findings.azr_claims import CLAIMS
from agents.experiments.findings.decisions import decide_claims
from agents.experiments.findings.findings import find
from agents.experiments.results import load_results
from tests.helpers.planted_experiment import PROGRAMS, Planted, write_experiment


def verdicts(folder: Path, planted: Planted) -> dict[str, str]:
    write_experiment(folder, planted, models=True)
    return {one.claim.name: one.verdict for one in decide_claims(find(load_results(folder)))}


def test_what_is_there_is_reproduced(tmp_path: Path) -> None:
    assert verdicts(tmp_path, Planted(1.0)) == {claim.name: "reproduced" for claim in CLAIMS}


def test_what_is_reversed_is_refuted(tmp_path: Path) -> None:
    assert verdicts(tmp_path, Planted(-1.0)) == {claim.name: "refuted" for claim in CLAIMS}


def test_what_is_absent_is_not_reproduced(tmp_path: Path) -> None:
    found = verdicts(tmp_path, Planted(0.0))
    says_that_nothing_is_there = {"half-peak", "random-reward"}
    assert "reproduced" not in {verdict for name, verdict in found.items() if name not in says_that_nothing_is_there}


def test_what_is_too_noisy_is_undecided(tmp_path: Path) -> None:
    """One claim in twenty is decided by chance."""
    found = verdicts(tmp_path, Planted(1.0, 0.1))
    assert list(found.values()).count("undecided") >= len(CLAIMS) - 1


def numbers(folder: Path) -> dict[str, object]:
    """Estimates of all claims and of their parts."""
    decided = decide_claims(find(load_results(folder)))
    flat = [part for one in decided for part in (one.parts if isinstance(one, JointDecision) else (one,))]
    return {part.claim.name: part.estimate for part in flat}


def test_what_is_not_trained_to_the_end_does_not_count(tmp_path: Path) -> None:
    write_experiment(tmp_path, Planted(), models=True)
    for arm in ("self-play", "frozen"):
        cut(tmp_path / arm / "seed-4", 1)
    cut(tmp_path / "frozen" / "seed-0", 0)
    found = find(load_results(tmp_path))
    assert found.unfinished == ["self-play/seed-4", "frozen/seed-0", "frozen/seed-4"]
    assert [run.config.seed for run in found.runs["frozen"]] == [1, 2, 3]
    assert {point.seed for point in found.points if point.arm == "frozen"} == {1, 2, 3}
    estimate = numbers(tmp_path)["entropy is kept"]
    for folder in ("self-play/seed-4", "frozen/seed-0", "frozen/seed-4", "self-play/seed-0"):
        shutil.rmtree(tmp_path / folder)
    assert estimate == numbers(tmp_path)["entropy is kept"]  # seeds 1 to 3 of both


def test_one_seed_says_nothing_of_others(tmp_path: Path) -> None:
    write_experiment(tmp_path, Planted(), models=True)
    for seed in range(1, 5):
        shutil.rmtree(tmp_path / "self-play" / f"seed-{seed}")
    found = numbers(tmp_path)
    assert [found[name] for name in ("gain", "closing-gap", "half-peak")] == [None] * 3
    assert found["random-reward"] is not None


def test_problems_with_too_few_verdicts_are_left_out(tmp_path: Path) -> None:
    write_experiment(tmp_path, Planted(), models=True)
    path = tmp_path / "self-play" / "seed-0" / "measured" / "held-out.json"
    data = json.loads(path.read_text())
    for entry in data["rows"][0]["problems"].values():
        entry["void"] = [65, *[0] * (len(entry["right"]) - 1)]
        entry["right"][0] = 0
    path.write_text(json.dumps(data))
    gap = numbers(tmp_path)["closing-gap"]
    assert isinstance(gap, Estimate)
    assert gap.low > 0
    assert gap.clusters == PROGRAMS - 1


def cut(folder: Path, rows: int) -> None:
    """Leaves the first rows of a run's metrics."""
    path = folder / "metrics.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:rows]))
