"""The folder of an experiment: its record, which a grid that goes on adds to, and who may work in it.

OUT/
    experiment.json       arms, seeds, budget, what equal means, problems
    ARM/seed-S/           a run's folder, with measured/NAME.json, costs.jsonl and log.txt
    ARM/tuning-VALUE/     one of the runs that a setting of the arm is chosen by; beside it tuning.json, the choice
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from selfplay_envs import UsageError

from ..core.files import write_whole
from ..tiny.problem_sets import warm_start_overlap
from .arm import Arm
from .experiment import Experiment

RECORD = "experiment.json"
MEANING, OVERLAP = "equal", "warm_start_overlap"
"""Keys of the record beside the experiment's own: sentences on what is equal in every arm, and how many programs of each set
the tiny model had seen before."""


@contextmanager
def alone_in_experiment(out: Path) -> Generator[None]:
    """Makes the folder; inside, no other grid can be in it.

    Raises:
        UsageError: Another one is, or it cannot be a folder.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UsageError(f"out={str(out)!r} cannot be a folder ({error.strerror}); choose another place.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"out={str(out)!r} is in use by another comparison; wait for it, or choose another.") from error
        yield
    finally:
        os.close(handle)


def read_experiment(out: Path) -> Experiment:
    """The experiment of a folder.

    Raises:
        UsageError: There is none, or it was written by another version.
    """
    path = out / RECORD
    if not path.is_file():
        raise UsageError(f"experiment={str(out)!r} holds no {RECORD}; pass a folder that `selfplay compare` wrote.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Experiment.from_json({name: value for name, value in data.items() if name not in (MEANING, OVERLAP)})
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no record of this version ({error}); repeat the comparison in another folder.") from error


def record_experiment(out: Path, experiment: Experiment) -> Experiment:
    """Writes the record, together with the arms and seeds that the folder holds already; returns the whole.

    Raises:
        UsageError: The folder holds another experiment, or an arm of that name with other settings.
    """
    whole = _joined(read_experiment(out), experiment, out) if (out / RECORD).is_file() else experiment
    seen = {OVERLAP: warm_start_overlap()} if whole.model == "tiny" else {}
    write_whole(out / RECORD, json.dumps({MEANING: whole.meaning, **seen, **whole.to_json()}, indent=1))
    return whole


def _joined(old: Experiment, new: Experiment, out: Path) -> Experiment:
    """Both experiments as one, arms in the order of the old one and then the new."""
    for name in ("name", "model", "budget", "measure", "device", "sandbox"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            values = f" ({before} there, {now} now)" if isinstance(now, str) else ""
            raise UsageError(
                f"out={str(out)!r} holds a comparison with another {name}{values}; choose another folder with --out, or type "
                "what was typed then."
            )
    arms = {arm.name: arm for arm in old.arms}
    for arm in new.arms:
        arms[arm.name] = _joined_arm(arms.get(arm.name, arm), arm, out)
    return replace(new, arms=tuple(arms.values()))


def _joined_arm(old: Arm, new: Arm, out: Path) -> Arm:
    if (old.config, old.tuning) != (new.config, new.tuning):
        raise UsageError(f"out={str(out)!r} holds arm {new.name} with other settings; choose another folder with --out.")
    return replace(new, seeds=tuple(sorted({*old.seeds, *new.seeds})))
