"""Outputs of reference programs: computed in the sandbox once, then kept in memory and in a folder of the user's cache."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import warnings
from collections import OrderedDict
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

from sandboxes import Limits, Outcome, Status

from ...core.game import Request
from ...core.hashing import short_hash
from ..findings import GOLD_CHANGED, WORKER_LOST
from .calls import calling_jobs

LIMITS = Limits(cpu_s=20.0, wall_s=80.0, memory_mib=1_024, output_bytes=1 << 20)
"""Of a reference, which is trusted to end."""
Outputs = tuple[str | None, ...]
"""One per call: canonical text; None of an object that has none, such as a match of a pattern; or `BEYOND`."""
BEYOND = ""
"""Stands for an output that no sandbox holds: more memory than a job may have, or a text of more than a MiB."""

_BEYOND = (Status.MEMORY, Status.OUTPUT_TOO_LARGE)
_FORMAT = 1  # of what is kept: a change makes all of it new
_KEPT_IN_MEMORY = 2_000
_kept: OrderedDict[str, Outputs] = OrderedDict()
_lock = threading.Lock()


def reference_outputs(
    reference: str, entry_point: str, calls: Sequence[str]
) -> Generator[list[Request], list[Any], Outputs | str]:
    """What the reference program returns for each call; asks the sandbox only for what nobody has kept.

    Args:
        reference: Python source. Trusted to be right, and run in the sandbox all the same.
        entry_point: The name of its function.
        calls: Texts of `argument_list`.

    Returns:
        The outputs, or a void reason: `worker_lost`, or `gold_changed`: a call did not return, so it is no reference.
    """
    key = short_hash([_FORMAT, sys.version_info[:2], reference, entry_point, [*calls]])
    if (known := _recall(key)) is not None:
        return known
    outcomes: list[Outcome] = yield [*calling_jobs(reference, entry_point, calls, LIMITS)]
    returned = [call for outcome in outcomes for call in outcome.calls]
    if any(call.status is Status.WORKER_LOST for call in returned):
        return WORKER_LOST
    if any(call.status not in (Status.OK, Status.NOT_SERIALISABLE, *_BEYOND) for call in returned):
        return GOLD_CHANGED
    outputs = tuple(BEYOND if call.status in _BEYOND else call.value for call in returned)
    _keep(key, outputs)
    return outputs


def forget_outputs() -> None:
    """Empties the memory, not the folder."""
    with _lock:
        _kept.clear()


def cache_folder() -> Path:
    """Where outputs are kept, one file for each program and its calls."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfplay" / "references"


def _recall(key: str) -> Outputs | None:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    try:
        outputs = _read(cache_folder() / f"{key}.json")
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: computed anew, and written anew
        return None
    _remember(key, outputs)
    return outputs


def _read(path: Path) -> Outputs:
    content = json.loads(path.read_text(encoding="utf-8"))
    outputs = cast("list[str | None]", content["outputs"])
    if content["hash"] != short_hash(outputs):
        raise ValueError("damaged")
    return tuple(outputs)


def _remember(key: str, outputs: Outputs) -> None:
    with _lock:
        _kept[key] = outputs
        while len(_kept) > _KEPT_IN_MEMORY:
            _kept.popitem(last=False)


def _keep(key: str, outputs: Outputs) -> None:
    _remember(key, outputs)
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            json.dump({"hash": short_hash([*outputs]), "outputs": outputs}, file)
        os.replace(file.name, folder / f"{key}.json")
    except OSError as error:
        warnings.warn(
            f"Outputs of references cannot be kept in {folder} ({error}), so each run computes them; set XDG_CACHE_HOME to "
            "another folder.",
            stacklevel=2,
        )
