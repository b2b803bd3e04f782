"""The folder of a run: where it lies, what is in it, who may write there, and which config may go on in it.

runs/azr-tiny/
    config.json       the run's TrainConfig
    metrics.jsonl     a row per step; beside it timings.jsonl and eval.jsonl
    episodes/         recorded episodes of some steps
    checkpoints/      a folder per saved step; see `agents.training.checkpoint`
    models/           a folder per step whose model stays for ever, where the config asks for some
    hash_seeds.json   of the sandbox, where the config names none
    machine.json      how the run computes on a processor
    failure.json      why it stopped, where it did, and which settings may change
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandboxes import SandboxConfig, draw_hash_seeds

from ..config.run import TrainConfig, novelty_of_game
from ..core.errors import AgentError, CheckpointError, RunStopped
from ..core.files import write_whole

RUNS = Path("runs")
"""Folder of runs, unless a person says otherwise."""
CHECKPOINTS = "checkpoints"
MODELS = "models"
FOLDERS = ("episodes", CHECKPOINTS)
"""Folders inside that of a run."""
NOTE = "failure.json"
FREE = ("steps", "checkpoint_every", "keep_checkpoints", "episodes_every", "record_tokens", "keep_models_every", "trackers")
"""Settings that a resumed run may change: they decide how long it is and what is written, not what is learned."""


def choose_folder(preset: str) -> Path:
    """`runs/PRESET`, or with the first free number behind it."""
    number, folder = 1, RUNS / preset
    while folder.exists():
        number += 1
        folder = RUNS / f"{preset}-{number}"
    return folder


def newest_run(preset: str) -> Path | None:
    """The run of a preset under `runs/` that was last written to, or None."""
    folders = [path.parent for path in RUNS.glob(f"{preset}*/config.json")]
    return max(folders, key=_last_written, default=None)


def _last_written(folder: Path) -> float:
    metrics = folder / "metrics.jsonl"
    return (metrics if metrics.is_file() else folder / "config.json").stat().st_mtime


def read_config(folder: Path) -> TrainConfig:
    """The config of the run, or of the checkpoint, in `folder`.

    Raises:
        AgentError: The folder holds none.
        ValueError: It was written by another version.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise AgentError(f"run={str(folder)!r} holds no config.json; pass a folder that `selfplay train` wrote.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if "games" not in data:
            raise AgentError(f"run={str(folder)!r} holds a model, not a run; pass a folder that `selfplay train` wrote.")
    except json.JSONDecodeError as error:
        raise AgentError(
            f"run={str(folder)!r}: config.json is not JSON ({error}); was the run interrupted while it started?"
        ) from error
    return TrainConfig.from_json(data)


def find_model(name: str) -> tuple[str, TrainConfig | None]:
    """The argument of `load_model` for a run's folder, a checkpoint's, or any other model; and the run's config, if any.

    Raises:
        AgentError: A run has no checkpoint yet.
    """
    folder = Path(name)
    if (folder.parent / "state.json").is_file():  # the model inside a checkpoint
        return name, read_config(folder.parent)
    if (folder / CHECKPOINTS).is_dir():
        saved = checkpoints(folder / CHECKPOINTS)
        if not saved:
            raise AgentError(f"run={name!r} has no checkpoint yet; let it train to its first one (checkpoint_every).")
        return str(saved[-1]), read_config(folder)
    if (folder / "state.json").is_file():
        return name, read_config(folder)
    return name, None


def checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints in a folder of them, oldest first."""
    return sorted(path.parent for path in folder.glob("step_*/state.json"))


def step_in(checkpoint: Path) -> int:
    """The step in the name of a checkpoint's folder."""
    return int(checkpoint.name.removeprefix("step_"))


def recorded_episodes(run_dir: Path) -> dict[int, Path]:
    """Files of a run's recorded episodes by step, in their order."""
    return {int(path.stem.removeprefix("step_")): path for path in sorted((run_dir / "episodes").glob("step_*.jsonl"))}


def saved_step(run_dir: Path) -> int:
    """The step of a run's newest checkpoint; 0 where there is none."""
    saved = checkpoints(run_dir / CHECKPOINTS)
    return step_in(saved[-1]) if saved else 0


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
    if not run_dir.is_dir() or any(run_dir.glob("*.jsonl")) or any((run_dir / CHECKPOINTS).glob("*")):
        return
    for name in ("config.json", "hash_seeds.json", "machine.json"):
        (run_dir / name).unlink(missing_ok=True)
    for folder in (*(run_dir / name for name in FOLDERS), run_dir):
        with suppress(OSError):  # not there, or not empty
            folder.rmdir()


def check_config(config: TrainConfig, run_dir: Path) -> None:
    """Writes `config.json`, or checks that the one there is the same but for what may change.

    Raises:
        CheckpointError: Another setting differs.
    """
    path, new = run_dir / "config.json", _comparable(config)
    if path.is_file():
        old = _comparable(TrainConfig.from_json(json.loads(path.read_text(encoding="utf-8"))))
        allowed = {*FREE, *may_change(run_dir)}
        changed = sorted(name for name in {*new, *old} - allowed if new.get(name) != old.get(name))
        if changed:
            before, now = old.get(changed[0]), new.get(changed[0])
            plain = all(type(value) in (str, int, float, bool) for value in (before, now))
            values = f" ({before} there, {now} now)" if plain else ""
            raise CheckpointError(
                f"{run_dir.name}/ holds a run with another {changed[0]}{values}; leave that option out to go on, choose "
                "another folder, or delete this one to start over."
            )
    write_whole(path, json.dumps(config.to_json(), indent=1))
    (run_dir / NOTE).unlink(missing_ok=True)  # the run goes on


def note_failure(run_dir: Path, step: int, kind: str, settings: Sequence[str]) -> None:
    """Writes why a run stopped, and the settings that it may be resumed with although they change what is computed."""
    note = {"step": step, "kind": kind, "may_change": tuple(settings)}
    (run_dir / NOTE).write_text(json.dumps(note), encoding="utf-8")


def may_change(run_dir: Path) -> tuple[str, ...]:
    """Settings that a run which failed may be resumed with, as its `failure.json` says; none where it did not fail."""
    path = run_dir / NOTE
    return tuple(json.loads(path.read_text(encoding="utf-8"))["may_change"]) if path.is_file() else ()


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


def _comparable(config: TrainConfig) -> dict[str, Any]:
    """The settings as JSON types, those of the learner by names such as `learner.lr`; what means the same looks the same."""
    data = json.loads(json.dumps(config.to_json()))
    for game in data["games"]:
        game["novelty"] = novelty_of_game(game["env_id"], game["novelty"])
    learner = {f"learner.{name}": value for name, value in data.pop("learner").items()}
    return {**data, **learner}
