"""This machine: its processor by name, and which short cuts a model takes on it. The one place that sets torch's threads.

Every choice is forced by a setting, or by OMP_NUM_THREADS where there is one, or tried: once per process, shapes and setting.
A run keeps its choices in `machine.json`, so that it goes on with them.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from ..config.short_cuts import SWITCHES, TAKEN, ShortCuts, parse_short_cuts
from ..core.files import write_whole
from ..kernels.cpu_attention import use_short_float32
from ..kernels.cpu_matmul import use_one_dnn
from . import trials
from .processor import cores, processor_name
from .trials import CLEARLY, NOT_SLOWER, SMALL_MODEL, Shapes

MOST_WORKERS = 4
"""More would make batches too small to be worth a pass."""
MACHINE_FILE = "machine.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Short cuts that a model takes, and why."""

    short_cuts: ShortCuts
    ratios: Mapping[str, float] = field(default_factory=dict[str, float])
    """Factor by which each was faster in its trial; what has none was forced, or could not apply."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in `machine.json`; `short_cuts` is the setting that forces the same choices."""
        ratios = {name: round(ratio, 3) for name, ratio in self.ratios.items()}
        return {"processor": processor_name(), "short_cuts": self.short_cuts.text, "faster_by": ratios}


_threads_at_first = torch.get_num_threads()
_threads_set_here: int | None = None
_tried: dict[tuple[Any, ...], Chosen] = {}
_trying = threading.Lock()


def use_short_cuts(model: PreTrainedModel, setting: str = "auto") -> Chosen:
    """Has a model take short cuts, and torch the threads that go with them.

    Models that never came here compute as torch does.

    Args:
        model: As transformers made it, in the precision of its products.
        setting: See `agents.config.short_cuts`. On other devices than a processor nothing is taken.

    Raises:
        ValueError: The setting is not understood.
    """
    forced = parse_short_cuts(setting)
    if model.device.type != "cpu":
        return Chosen(short_cuts=ShortCuts())
    if "threads" not in forced and (threads := _threads_of_user()):
        forced = {"workers": 1, **forced, "threads": threads}
    key = (Shapes.of(model), *sorted(forced.items()))
    with _trying:
        if key not in _tried:
            _tried[key] = _choose(model, forced)
        chosen = _tried[key]
        _take(model, chosen.short_cuts)
    return chosen


def kept_setting(run_dir: Path, setting: str) -> str:
    """The choices that a run was begun with, as a setting; `setting` where it is new."""
    path = run_dir / MACHINE_FILE
    return json.loads(path.read_text(encoding="utf-8"))["short_cuts"] if path.is_file() else setting


def keep_choices(run_dir: Path, model: PreTrainedModel, setting: str) -> None:
    """Writes down the choices that a run begins with, once its model has taken them; of one that goes on nothing changes."""
    path = run_dir / MACHINE_FILE
    if not path.is_file():
        chosen = use_short_cuts(model, setting)  # the same again: nothing is tried twice
        write_whole(path, json.dumps(chosen.to_json(), indent=1))


def _choose(model: PreTrainedModel, forced: Mapping[str, int]) -> Chosen:
    """Tries what is not forced; threads and workers first, as the rest depends on them."""
    shapes, choices, ratios = Shapes.of(model), dict(forced), dict[str, float]()

    def decide(name: str, trial: Callable[[], float], *, value: int = 1, otherwise: int = 0, least: float = CLEARLY) -> None:
        if name not in choices:
            ratios[name] = trial()
            choices[name] = value if ratios[name] >= least else otherwise

    small, most = shapes.weights <= SMALL_MODEL, min(cores(), MOST_WORKERS)
    with torch.random.fork_rng(devices=[]):
        if small:
            choices.setdefault("threads", 1)
        else:
            most_threads = _threads_at_first
            decide("threads", lambda: trials.try_threads(shapes, most_threads), value=most_threads, otherwise=1)
        choices["threads"] = choices["threads"] or _threads_of_user() or _threads_at_first  # 0: as if nothing had been set here
        _set_threads(choices["threads"])
        if small and most > 1 and choices["threads"] == 1:
            decide("workers", lambda: trials.try_workers(model, most), value=most, otherwise=1, least=NOT_SLOWER)
        choices.setdefault("workers", 1)
        decide("onednn", lambda: trials.try_onednn(shapes) if torch.backends.mkldnn.is_available() else 1.0)
        if not choices["onednn"]:
            choices.setdefault("blocks", 0)
        decide("blocks", lambda: trials.try_blocks(shapes))
        decide("attention", lambda: trials.try_attention(shapes))
        decide("tables", lambda: trials.try_tables(shapes))
    return Chosen(short_cuts=ShortCuts.of({name: choices[name] for name in (*SWITCHES, "threads", "workers")}), ratios=ratios)


def _take(model: PreTrainedModel, short_cuts: ShortCuts) -> None:
    _set_threads(short_cuts.threads)
    use_one_dnn(model, blocks=short_cuts.blocks, undo=not short_cuts.onednn)
    use_short_float32(model, undo=not short_cuts.attention)
    setattr(model, TAKEN, short_cuts)


def _set_threads(threads: int) -> None:
    global _threads_set_here
    if threads and threads != torch.get_num_threads():
        torch.set_num_threads(threads)
        _threads_set_here = threads


def _threads_of_user() -> int:
    """Torch's threads where the user chose their number, by OMP_NUM_THREADS or by torch.set_num_threads; else 0."""
    now = torch.get_num_threads()
    return now if "OMP_NUM_THREADS" in os.environ or now not in (_threads_at_first, _threads_set_here) else 0
