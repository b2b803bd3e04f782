"""Dashboards that mirror a run's rows: TensorBoard, Weights & Biases, Trackio. `metrics.jsonl` stays the truth.

Packages are imported when a run asks for them. A resumed run writes into the same dashboard again; steps that it repeats are
overwritten by TensorBoard and ignored by the other two, which keep the (equal) first ones.

The trackers of `accelerate` are no substitute: they log through its process state, which picks a device and joins a process
group, and a resumed run would still need its own id and its own first step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..core.errors import AgentError, first_line
from ..core.seeding import seed_of

PROJECT = "selfplay"


class Tracker(Protocol):
    """A dashboard that takes numbers by name and step."""

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Shows numbers of a step."""
        ...

    def close(self) -> None:
        """Ends the mirroring; everything is written."""
        ...


class TensorBoard:
    """Event files under `RUN/tensorboard`; look with `tensorboard --logdir RUN`."""

    def __init__(self, run_dir: Path, config: Mapping[str, Any], resumed_from: int) -> None:
        tensorboard = _package("torch.utils.tensorboard", "tensorboard")
        self._writer = tensorboard.SummaryWriter(str(run_dir / "tensorboard"), purge_step=resumed_from + 1)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """One scalar per number."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flushes and closes the event file."""
        self._writer.close()


class _Remote:
    """Weights & Biases and Trackio, whose modules have the same three functions: init, log, finish."""

    package: str
    remedy: str

    def __init__(self, run_dir: Path, config: Mapping[str, Any], resumed_from: int) -> None:
        self._module = _package(self.package, self.package)
        try:
            self._module.init(project=PROJECT, name=run_dir.name, config=dict(config), resume="allow", **self._extra(run_dir))
        except Exception as error:  # whatever these packages raise where there is no key, no network or no room
            raise AgentError(
                f"trackers: {self.package!r} could not be opened ({first_line(error)}); {self.remedy}, or leave it out of "
                "--trackers."
            ) from error

    def _extra(self, run_dir: Path) -> dict[str, Any]:
        return {}

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """One call per row."""
        self._module.log(dict(numbers), step=step)

    def close(self) -> None:
        """Waits until everything is sent."""
        self._module.finish()


class WandB(_Remote):
    """Weights & Biases; its own environment variables say where to and whether offline."""

    package = "wandb"
    remedy = "type: wandb login - or set WANDB_MODE=offline"

    def _extra(self, run_dir: Path) -> dict[str, Any]:
        return {"id": f"{run_dir.name}-{seed_of(str(run_dir.resolve())):x}"[-64:], "dir": str(run_dir)}


class Trackio(_Remote):
    """Trackio; its own environment variables say where to."""

    package = "trackio"
    remedy = "set TRACKIO_DIR to a folder that can be written"


CLASSES: dict[str, type[TensorBoard] | type[WandB] | type[Trackio]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "trackio": Trackio,
}
"""Dashboards by the names of `TrainConfig.trackers`."""


def open_trackers(names: Sequence[str], run_dir: Path, config: Mapping[str, Any], resumed_from: int) -> list[Tracker]:
    """One tracker per name of `TrainConfig.trackers`.

    Raises:
        AgentError: A package is not installed; the sentence says what to type. Those that were open are closed again.
    """
    trackers: list[Tracker] = []
    try:
        for name in names:
            trackers.append(CLASSES[name](run_dir, config, resumed_from))
    except BaseException:
        for tracker in trackers:
            tracker.close()
        raise
    return trackers


def numbers_of(row: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a row, without its step; text and nested values stay in the file."""
    return {
        prefix + name: float(value)
        for name, value in row.items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool)
    }


def _package(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise AgentError(
            f"trackers: {package!r} cannot be imported ({error}); type: pip install {package} - or leave it out of --trackers."
        ) from error
