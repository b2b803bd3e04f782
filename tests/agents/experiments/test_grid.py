"""A grid of cells: trained, measured, killed and gone on with; failures, interrupts, the time that is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.experiments.arm import Start
from agents.experiments.cells import MEASURED, REPLIES, Cell, cells_of
from agents.experiments.experiment import Experiment
from agents.experiments.grid import CellState, Grid, GridState
from agents.experiments.processes import LOG, is_free
from agents.experiments.records import realised
from agents.experiments.results import load_results
from tests.helpers.finished_runs import files_of
from tests.helpers.small_comparison import STEPS, TOKENS, run_small_comparison, small_comparison

CELLS = ("sft/seed-0", "self-play/seed-0")


def wait_until(true: Callable[[], bool], seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def steps_of(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.is_file() else 0


def measured(folder: Path) -> dict[str, Any]:
    """Everything that was measured of a comparison, without where the models lie."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob(f"*/*/{MEASURED}/*.json")):
        rows = json.loads(path.read_text())["rows"]
        found[str(path.relative_to(folder))] = [{key: value for key, value in row.items() if key != "model"} for row in rows]
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The comparison without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    state = run_small_comparison(folder)
    assert [(one.cell.name, one.status, one.reason) for one in state.cells] == [(name, "done", "") for name in CELLS]
    assert (state.count("done"), state.done_before, state.left_s) == (2, 0, None)
    return folder


def test_cells_are_runs_with_what_was_measured_beside(whole: Path) -> None:
    assert sorted(measured(whole)) == [f"{arm}/seed-0/measured/held-out.json" for arm in ("self-play", "sft")]
    for name in CELLS:
        assert not (whole / name / REPLIES).exists()
        assert not list((whole / name / MEASURED).glob(".*"))
        assert "$ selfplay train --out" in (whole / name / LOG).read_text()
    assert [row["step"] for row in measured(whole)["sft/seed-0/measured/held-out.json"]] == [STEPS]


def test_results_hold_rows_models_costs_and_what_every_arm_had(whole: Path) -> None:
    results = load_results(whole)
    assert [(cell.arm, cell.seed, cell.value) for cell in results.cells] == [("sft", 0, None), ("self-play", 0, None)]
    for cell in results.cells:
        assert [row["step"] for row in cell.rows] == list(range(1, STEPS + 1))
        assert sorted(cell.models) == [1, 2, 3, 4]
        assert all((path / "model" / "model.safetensors").is_file() for path in cell.models.values())
        assert [row["stage"] for row in cell.costs] == ["train", "held-out"]
        assert 0 < cell.training_processor_s < sum(row["processor_s"] for row in cell.costs)
        row = cell.measured["held-out"]
        assert (row["step"], sorted(row["problems"])) == (STEPS, ["SelfPlay/Deduction-v0"])
    sft, play = (realised(arm, results.experiment.budget, results.arm(arm.name)) for arm in results.experiment.arms)
    assert sft is not None
    assert play is not None
    for one in (sft, play):
        assert one.optimizer_steps == (STEPS,)
        assert one.tokens_per_step >= TOKENS
        assert 1 <= one.ratio < 2
    assert sft.sampled_tokens == 0
    assert sft.answer_tokens == sft.trained_tokens
    assert sft.distinct_tasks == 12 * STEPS
    assert play.answer_tokens < play.trained_tokens < play.sampled_tokens
    assert (play.epochs, play.distinct_tasks) == (None, None)


def test_a_grid_that_is_done_does_nothing(whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file()}
    experiment = small_comparison()
    state = Grid(experiment, cells_of(experiment), whole, jobs=2, threads=1).run()
    assert (state.count("done"), state.done_before) == (2, 2)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file()} == before


def test_a_killed_grid_takes_its_children_along_and_goes_on_with_the_same_numbers(whole: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.helpers.small_comparison", str(tmp_path)]
    grid = subprocess.Popen(command, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"})
    wait_until(lambda: any(steps_of(tmp_path / name) for name in CELLS))
    grid.kill()
    assert grid.wait() == -signal.SIGKILL
    assert any(steps_of(tmp_path / name) < STEPS for name in CELLS)  # it was amid its runs
    wait_until(lambda: all(is_free(tmp_path / name) for name in CELLS))
    assert not measured(tmp_path)
    state = run_small_comparison(tmp_path)
    assert state.count("done") == 2
    assert measured(tmp_path) == measured(whole)
    assert any("--resume" in (tmp_path / name / LOG).read_text() for name in CELLS)
    for name in CELLS:
        assert files_of(tmp_path / name) == files_of(whole / name)


class FakeProcess:
    """Ends at once, well or badly, and leaves what a stage leaves."""

    code = 0
    begun: list[tuple[str, str]] = []
    leaves = True

    def __init__(self, folder: Path, name: str, args: Any, threads: int) -> None:
        self.folder, self.name = folder, name
        FakeProcess.begun.append((f"{folder.parent.name}/{folder.name}", name))
        folder.mkdir(parents=True, exist_ok=True)
        if "sft" in str(folder) and FakeProcess.code:
            (folder / LOG).write_text("loading\n\nselfplay: the disk is full; make room.\n\n")
            return
        if not FakeProcess.leaves:
            return
        if name == "train":
            (folder / "checkpoints" / f"step_{STEPS:06d}").mkdir(parents=True)
            (folder / "checkpoints" / f"step_{STEPS:06d}" / "state.json").touch()
        else:
            (folder / MEASURED / f".{name}.part").write_text(json.dumps({"step": STEPS, "all/pass@1": 0.5}) + "\n")

    def ended(self) -> Any:
        from agents.experiments.processes import Ended

        return Ended(code=FakeProcess.code if "sft" in str(self.folder) else 0, seconds=1.0, processor_s=1.0)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeProcess]:
    monkeypatch.setattr("agents.experiments.grid.StageProcess", FakeProcess)
    monkeypatch.setattr("agents.experiments.grid.POLL_S", 0.0)
    FakeProcess.code, FakeProcess.begun, FakeProcess.leaves = 0, [], True
    return FakeProcess


def test_a_cell_that_fails_stops_no_other_and_says_what_it_said_last(tmp_path: Path, fake: type[FakeProcess]) -> None:
    fake.code = 1
    experiment = small_comparison()
    state = Grid(experiment, cells_of(experiment), tmp_path, jobs=1, threads=1).run()
    assert [(one.cell.arm.name, one.status) for one in state.cells] == [("sft", "failed"), ("self-play", "done")]
    assert state.cells[0].reason == "selfplay: the disk is full; make room."
    assert fake.begun == [("sft/seed-0", "train"), ("self-play/seed-0", "train"), ("self-play/seed-0", "held-out")]
    fake.code = 0
    again = Grid(experiment, cells_of(experiment), tmp_path, jobs=1, threads=1).run()
    assert again.count("done") == 2  # typed again it is tried again
    assert again.done_before == 1


def test_a_stage_that_ends_well_and_leaves_nothing_is_a_failure(tmp_path: Path, fake: type[FakeProcess]) -> None:
    fake.leaves = False
    experiment = small_comparison()
    state = Grid(experiment, cells_of(experiment), tmp_path, jobs=2, threads=1).run()
    assert [one.status for one in state.cells] == ["failed", "failed"]
    assert state.cells[0].reason.startswith("train ended well and left nothing; see ")


def test_a_setting_is_chosen_before_the_arm_s_own_runs(tmp_path: Path, fake: type[FakeProcess]) -> None:
    from agents.experiments.designs.azr import azr

    experiment = azr(scale="full")
    cells = cells_of(experiment, ["base-tempered"])
    state = Grid(experiment, cells, tmp_path, jobs=8, threads=1).run()
    assert state.count("done") == 6
    names = [name for name, _ in fake.begun]
    assert sorted(names[:5]) == [f"base-tempered/tuning-{value:g}" for value in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert names[5:] == ["base-tempered/seed-0"] * 3  # held out, out of domain, validation
    assert json.loads((tmp_path / "base-tempered" / "tuning.json").read_text())["chosen"] == 0.2  # all alike: the smallest


def test_where_no_setting_can_be_chosen_the_arm_fails(tmp_path: Path, fake: type[FakeProcess]) -> None:
    from agents.experiments.designs.azr import azr

    fake.code = 1
    experiment = azr(scale="full").with_seeds(1)
    state = Grid(experiment, cells_of(experiment, ["sft-tuned"]), tmp_path, jobs=2, threads=1).run()
    assert [one.status for one in state.cells] == ["failed"] * 5
    assert state.cells[-1].reason == "sft-tuned/tuning-0.0001, without which it cannot begin, failed"


def test_a_folder_in_use_is_waited_for(tmp_path: Path, fake: type[FakeProcess], monkeypatch: pytest.MonkeyPatch) -> None:
    free, asked = [False, False, True], list[Path]()

    def is_free_now(folder: Path) -> bool:
        asked.append(folder)
        return free.pop(0) if free else True

    monkeypatch.setattr("agents.experiments.grid.is_free", is_free_now)
    experiment = small_comparison()
    state = Grid(experiment, cells_of(experiment, ["sft"]), tmp_path, jobs=1, threads=1).run()
    assert state.count("done") == 1
    assert len(asked) == 3


def test_the_time_left_is_that_of_what_is_left_at_the_speed_so_far() -> None:
    first, second, third = (CellState(Cell(arm, seed)) for arm in small_comparison().arms[:1] for seed in range(3))
    first.status, second.left, third.left, third.status = "done", 30.0, 100.0, "failed"
    state = GridState(cells=[first, second, third], began=10.0, now=20.0)
    assert state.left_s is None  # nothing is known of the speed
    state.weight_done = 5.0
    assert state.left_s == 60.0  # 2 seconds a unit; what failed is not waited for
    second.left = 0.0
    assert state.left_s is None


def test_an_interrupt_lets_runs_save_their_state(tmp_path: Path) -> None:
    experiment = small_comparison()

    def interrupt(state: GridState) -> None:
        if any(one.step for one in state.cells) and not state.stopping:
            raise KeyboardInterrupt

    grid = Grid(experiment, cells_of(experiment, ["self-play"]), tmp_path, jobs=1, threads=1, on_state=interrupt)
    with pytest.raises(KeyboardInterrupt):
        grid.run()
    assert grid.state.stopping
    assert is_free(tmp_path / "self-play" / "seed-0")
    assert "Interrupted. The run is saved after step" in (tmp_path / "self-play" / "seed-0" / LOG).read_text()


def test_a_second_stage_waits_for_the_model_of_the_first(tmp_path: Path, fake: type[FakeProcess]) -> None:
    experiment = two_stages()
    cells = cells_of(experiment)
    assert [cell.name for cell in cells] == ["second/seed-0", "sft/seed-0"]  # it stands before the one that it waits for
    state = Grid(experiment, cells, tmp_path, jobs=2, threads=1).run()
    assert state.count("done") == 2
    trained = [name for name, stage in fake.begun if stage == "train"]
    assert trained == ["sft/seed-0", "second/seed-0"]
    settings = (tmp_path / "second/seed-0/settings.toml").read_text()
    assert str(tmp_path / "sft/seed-0/checkpoints" / f"step_{STEPS:06d}") in settings


def test_where_the_first_stage_fails_the_second_does(tmp_path: Path, fake: type[FakeProcess]) -> None:
    fake.code = 1
    experiment = two_stages()
    state = Grid(experiment, cells_of(experiment), tmp_path, jobs=2, threads=1).run()
    assert [(one.cell.name, one.status) for one in state.cells] == [("second/seed-0", "failed"), ("sft/seed-0", "failed")]
    assert state.cells[0].reason == "sft/seed-0, without which it cannot begin, failed"


def two_stages() -> Experiment:
    """SFT, and before it in the order of arms one that goes on with its last model."""
    experiment = small_comparison()
    first = experiment.arm("sft")
    second = replace(first, name="second", start=Start(arm="sft", step=STEPS))
    return replace(experiment, arms=(second, first))
