"""Plays a game in another process, whose sets have another order: what depends on that shows. Run as a module by the check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from typing import Any

from ..names.registration import game_spec, register_game
from .moves import Moves
from .promises import Failure, Subject, expect

SEEDS = range(4)
TIMEOUT_S = 300


def hash_seed_unread(subject: Subject) -> str:
    """A process with another hash seed plays the same episodes: nothing depends on the order of a set, or on the clock."""
    spec = dict(game_spec(subject.env_id).kwargs)
    if str(spec["game"]).startswith("__main__:"):
        return "not checked: the game is defined in the program that runs, where no other process finds it"
    task = {
        "env_id": subject.env_id,
        "spec": spec,
        "kwargs": dict(subject.kwargs),
        "seed": subject.seed,
        "lines": dict(subject.moves.lines),
        "sandbox": subject.sandbox,
        "judge": subject.judge,
    }
    here = _played(subject)
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
    )
    if there.returncode:
        raise Failure(f"another process cannot play it: {(there.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    for episode_seed, local, remote in zip(SEEDS, here, json.loads(there.stdout), strict=True):
        for message, other in zip(local, remote, strict=False):
            field = next((name for name in message if message[name] != other[name]), "")
            expect(
                not field,
                f"{field} of {message['slot']} of seed {episode_seed} depends on the process: "
                f"here {message.get(field)!r:.80}, with another hash seed {other.get(field)!r:.80}; "
                "sort sets before their order matters, read no clock",
            )
        expect(
            len(local) == len(remote), f"seed {episode_seed} has {len(local)} messages here, {len(remote)} in another process"
        )
    return f"{len(SEEDS)} episodes are the same in a process with another hash seed"


def _played(subject: Subject) -> list[list[dict[str, Any]]]:
    """The messages of every seed, as JSON reads them; without the names that are hashes of the rest."""
    episodes = [json.loads(subject.record(seed).to_line())["messages"] for seed in SEEDS]
    for message in (message for messages in episodes for message in messages):
        del message["prompt_id"], message["task_id"]
    return episodes


def main() -> None:
    """Reads what to play from standard input, prints the messages as JSON."""
    task = json.load(sys.stdin)
    register_game(task["env_id"], **task.pop("spec"))
    moves = Moves(task["seed"], task.pop("lines"))
    with redirect_stdout(sys.stderr):  # what the game prints is not ours to read
        played = _played(Subject(**task, moves=moves))
    print(json.dumps(played))


if __name__ == "__main__":
    main()
