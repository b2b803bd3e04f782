"""Kills runs at random moments and resumes them: `python -m tests.helpers.killing FOLDER SEED KILLS`, with FOLDER/config.json.

torch is loaded once: every attempt is a fork of this process. FOLDER/whole is never killed; FOLDER/0, FOLDER/1 ... are, again
and again until each is done. Prints a JSON list of (plan, whether a half-written checkpoint was left behind).
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.config.run import TrainConfig
from agents.training import checkpoint
from agents.training.loop import train
from selfplay_envs import register_game
from tests.helpers.toys import GAME

PLANS = ("timer", "timer", "bytes", "flush", "move")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def counted(function: Callable[..., Any], number: int, after: bool) -> Callable[..., Any]:
    """`function`, but the process dies at its call of that number, before or after it."""
    calls = iter(range(1 << 30))

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        due = next(calls) == number
        if due and not after:
            die()
        result = function(*args, **kwargs)
        if due:
            die()
        return result

    return wrapper


def arm(plan: str, rng: np.random.Generator) -> None:
    """Makes this process die at a moment of the next checkpoints that it writes."""
    if plan == "bytes":  # amid the first file of a checkpoint
        save, share, nth = torch.save, rng.random(), int(rng.integers(0, 2))
        whole = iter([*[False] * nth, True])

        def cut(state: Any, file: Any) -> None:
            if not next(whole):
                return save(state, file)
            buffer = io.BytesIO()
            save(state, buffer)
            file.write(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
            file.flush()
            die()

        torch.save = cut  # type: ignore[assignment]
    elif plan == "flush":  # between the files of a checkpoint
        checkpoint.flush_to_disk = counted(checkpoint.flush_to_disk, int(rng.integers(0, 16)), bool(rng.integers(2)))
    elif plan == "move":  # around taking its name, and while an old one goes
        name = str(rng.choice(["rename", "rmtree"]))
        number, after = int(rng.integers(0, 4)), bool(rng.integers(2))
        if name == "rename":
            Path.rename = counted(Path.rename, number, after)  # type: ignore[method-assign]
        else:
            checkpoint.shutil.rmtree = counted(checkpoint.shutil.rmtree, number, after)  # type: ignore[assignment]


def attempt(config: TrainConfig, folder: Path, plan: str, rng: np.random.Generator, delay_s: float) -> bool:
    """Runs `folder` in a fork until it is done or killed; tells whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            arm(plan, rng)
            train(config, folder)
            os._exit(0)
        finally:
            os._exit(1)
    if plan == "timer":
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, f"{folder} failed"
    return False


def main(folder: Path, seed: int, kills: int) -> None:
    torch.set_num_threads(1)
    register_game(GAME, "tests.helpers.toys:Letters")
    config = TrainConfig.from_json(json.loads((folder / "config.json").read_text()))
    started = time.monotonic()
    assert not attempt(config, folder / "whole", "none", np.random.default_rng(seed), 0)
    step_s = (time.monotonic() - started) / config.steps
    kills_done: list[tuple[str, bool]] = []
    run = 0
    while len(kills_done) < kills:
        rng = np.random.default_rng([seed, len(kills_done), run])
        plan = PLANS[len(kills_done) % len(PLANS)]
        if attempt(config, folder / str(run), plan, rng, float(rng.uniform(0, 4 * step_s))):
            kills_done.append((plan, any((folder / str(run) / "checkpoints").glob(".new_*"))))
        else:
            run += 1
    attempt(config, folder / str(run), "none", np.random.default_rng(seed), 0)
    print(json.dumps(kills_done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
