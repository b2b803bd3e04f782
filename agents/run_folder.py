"""The folder of a run: one process at a time, and one config but for what may change."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandboxes import SandboxConfig, draw_hash_seeds

from .config import TrainConfig
from .errors import CheckpointError, RunStopped
from .failures import forget_failure, may_change
from .metrics import write_whole

FREE = ("steps", "checkpoint_every", "keep_checkpoints", "episodes_every", "trackers")
"""Settings that a resumed run may change: they decide how long it is and what is written, not what is learned."""
FOLDERS = ("episodes", "checkpoints")
"""What a run's folder holds besides files."""


@contextmanager
def alone_in(run_dir: Path) -> Generator[None]:
    """Makes the folder; inside, no other process can be in it. A folder that was made for a run that never began goes again.

    Raises:
        CheckpointError: Another one is, or it cannot be a folder, or one that can be written in.
    """
    began = (run_dir / "config.json").is_file()
    make_folder(run_dir)
    handle = os.open(run_dir, os.O_RDONLY)  # the folder itself: no file is left, and the lock ends with the process
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CheckpointError(
                f"{run_dir.name}/ is in use by another process; wait for it, stop it, or choose another folder."
            ) from error
        yield
    except RunStopped:
        raise  # it can be resumed
    except Exception:
        if not began:
            forget_unstarted(run_dir)
        raise
    finally:
        os.close(handle)


def make_folder(run_dir: Path) -> None:
    """Makes the folder of a run and those in it, where there are none.

    Raises:
        CheckpointError: It cannot be one, or nothing can be written in it.
    """
    try:
        for folder in (run_dir, *(run_dir / name for name in FOLDERS)):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"out={str(run_dir)!r} cannot be a folder ({error.strerror}); choose another place.") from error
    if not os.access(run_dir, os.W_OK | os.X_OK):
        raise CheckpointError(f"out={str(run_dir)!r} is a folder that nothing can be written in; choose another place.")


def forget_unstarted(run_dir: Path) -> None:
    """Removes what a run wrote that failed before its first number, so that the corrected command finds its folder free."""
    if not run_dir.is_dir() or any(run_dir.glob("*.jsonl")) or any((run_dir / "checkpoints").glob("*")):
        return
    for name in ("config.json", "hash_seeds.json", "machine.json"):
        (run_dir / name).unlink(missing_ok=True)
    for empty in (*(run_dir / name for name in FOLDERS), run_dir):
        with suppress(OSError):  # not there, or not empty
            empty.rmdir()


def check_folder(config: TrainConfig, run_dir: Path) -> None:
    """Writes `config.json`, or checks that the one there is the same but for what may change.

    Raises:
        CheckpointError: Another setting differs.
    """
    path, mine = run_dir / "config.json", _flat(json.loads(json.dumps(config.to_json())))
    if path.is_file():
        theirs = _flat(json.loads(json.dumps(TrainConfig.from_json(json.loads(path.read_text(encoding="utf-8"))).to_json())))
        allowed = {*FREE, *may_change(run_dir)}
        odd = sorted(name for name in {*mine, *theirs} - allowed if mine.get(name) != theirs.get(name))
        if odd:
            values = [one.get(odd[0]) for one in (theirs, mine)]
            told = f" ({values[0]} there, {values[1]} now)" if all(type(v) in (str, int, float, bool) for v in values) else ""
            raise CheckpointError(
                f"{run_dir.name}/ holds a run with another {odd[0]}{told}; leave that option out to go on, choose another "
                "folder, or delete this one to start over."
            )
    write_whole(path, json.dumps(config.to_json(), indent=1))
    forget_failure(run_dir)


def sandbox_of(config: TrainConfig, run_dir: Path) -> str:
    """The run's sandbox as a text, with hash seeds that are drawn when the run begins and kept for as long as it goes on.

    Raises:
        CheckpointError: The run has no folder, and can have none.
    """
    sandbox = SandboxConfig.parse(config.sandbox)
    if not sandbox.hash_seeds:
        path = run_dir / "hash_seeds.json"
        if not path.is_file():
            make_folder(run_dir)
            write_whole(path, json.dumps(draw_hash_seeds()))
        sandbox = replace(sandbox, hash_seeds=tuple(json.loads(path.read_text(encoding="utf-8"))))
    return sandbox.text()


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the learner by names such as `learner.lr`; the others as they are."""
    learner = {f"learner.{name}": value for name, value in config["learner"].items()}
    return {**{name: value for name, value in config.items() if name != "learner"}, **learner}
