from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agents.config.run import TRACKERS, GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.core.errors import AgentError
from agents.runs.trackers import CLASSES, numbers_of, open_trackers
from agents.training.loop import train
from tests.helpers.toys import GAME


class Fake(ModuleType):
    """A package that keeps its calls."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple[str, Any]] = []

    def init(self, **kwargs: Any) -> None:
        self.calls.append(("init", kwargs))

    def log(self, numbers: dict[str, float], step: int) -> None:
        self.calls.append(("log", (step, numbers)))

    def finish(self) -> None:
        self.calls.append(("finish", None))


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    fakes_by_name = {name: Fake(name) for name in ("wandb", "trackio")}
    for name, fake in fakes_by_name.items():
        monkeypatch.setitem(sys.modules, name, fake)
    return fakes_by_name


def run_of(model_folder: Path, **changes: Any) -> TrainConfig:
    game = GameMix(env_id=GAME, kwargs={"attempts": 2}, fresh=3, replay=0)
    sampling = Sampling(max_new_tokens=4)
    return TrainConfig(model=str(model_folder), games=(game,), sampling=sampling, sandbox="process", device="cpu", **changes)


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_run_is_mirrored_row_by_row(name: str, fakes: dict[str, Fake], model_folder: Path, tmp_path: Path) -> None:
    train(run_of(model_folder, steps=2, trackers=(name,)), tmp_path / "run")
    calls = fakes[name].calls
    assert [what for what, _ in calls] == ["init", "log", "log", "log", "log", "finish"]
    assert calls[0][1]["project"] == "selfplay"
    assert calls[0][1]["name"] == "run"
    assert calls[0][1]["resume"] == "allow"
    assert calls[0][1]["config"]["steps"] == 2
    steps = [step for what, (step, _) in calls[1:-1]]
    assert steps == [1, 1, 2, 2]
    assert calls[1][1][1]["solver/letters/count"] > 0
    assert calls[2][1][1]["time/step_s"] > 0
    assert all(isinstance(value, float) for _, (_, numbers) in calls[1:-1] for value in numbers.values())


def test_a_resumed_wandb_run_has_the_same_id(fakes: dict[str, Fake], model_folder: Path, tmp_path: Path) -> None:
    for steps in (1, 2):
        train(run_of(model_folder, steps=steps, trackers=("wandb",)), tmp_path / "run")
    first, second = [given["id"] for what, given in fakes["wandb"].calls if what == "init"]
    assert first == second
    assert [step for what, given in fakes["wandb"].calls if what == "log" for step in given[:1]] == [1, 1, 2, 2]


def test_what_cannot_be_opened_is_one_sentence(fakes: dict[str, Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("No API key configured.\nMore lines.")

    monkeypatch.setattr(fakes["wandb"], "init", refuse)
    with pytest.raises(
        AgentError, match=r"'wandb' could not be opened \(No API key configured\.\); type: wandb login - or set WANDB_MODE"
    ):
        open_trackers(("trackio", "wandb"), tmp_path, {}, 0)
    assert fakes["trackio"].calls[-1][0] == "finish"


def test_it_is_closed_where_a_run_fails(fakes: dict[str, Fake], model_folder: Path, tmp_path: Path) -> None:
    def fail(event: Any) -> None:
        if event.kind == "collected":
            raise KeyError("callback")

    with pytest.raises(KeyError):
        train(run_of(model_folder, trackers=("trackio",)), tmp_path, fail)
    assert fakes["trackio"].calls[-1][0] == "finish"


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "trackio"])
def test_a_missing_package_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = builtins.__import__

    def importing(module: str, *args: Any, **kwargs: Any) -> Any:
        if module.partition(".")[0] == "tensorboard":
            raise ModuleNotFoundError("No module named 'tensorboard'")
        return original(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    if name != "tensorboard":
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(AgentError, match=f"pip install {name}"):
        open_trackers((name,), tmp_path, {}, 0)


def test_those_that_are_open_are_closed_when_another_is_missing(
    fakes: dict[str, Fake], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(AgentError, match="pip install wandb"):
        open_trackers(("trackio", "wandb"), tmp_path, {}, 0)
    assert fakes["trackio"].calls[-1][0] == "finish"


def test_only_numbers_are_mirrored() -> None:
    row = {"step": 3, "a": 1, "b": 0.5, "c": "text", "d": None, "e": True, "problems": {"x": 1}}
    assert numbers_of(row, "eval/") == {"eval/a": 1.0, "eval/b": 0.5}


def test_an_unknown_name_is_refused(model_folder: Path) -> None:
    with pytest.raises(ValueError, match="names 'mlflow'"):
        run_of(model_folder, trackers=("mlflow",))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_was_mirrored(model_folder: Path, tmp_path: Path) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for steps in (1, 3):
        train(run_of(model_folder, steps=steps, trackers=("tensorboard",)), tmp_path)
    events = accumulators.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3]


def test_every_name_of_the_config_has_a_class() -> None:
    assert tuple(CLASSES) == TRACKERS
