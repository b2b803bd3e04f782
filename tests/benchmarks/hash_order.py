"""How often hash order slips through: programs that depend on it, which several hash seeds happen to agree on.

    python -m tests.benchmarks.hash_order
    python -m tests.benchmarks.hash_order --sets 20000 --sandbox process:workers=2,cache=0

Each program runs on random sets of n words in interpreters with the hash seeds of a sandbox, which compares all of them for
such programs; its own verdicts on a part of them stand beside what the interpreters say, and must not differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from random import Random

import tyro
from rich.console import Console
from rich.table import Table

from sandboxes import Job, Status, open_sandbox

PROGRAMS = {
    "the first: set.pop(), next(iter(...))": "next(iter(set(words)))",
    "all in order: list, join, dict.fromkeys": "list(set(words))",
    "one of the longest: max(..., key=...)": "max(set(words), key=lambda word: 0)",
    "of two halves: hash(word) % 2": "hash(words[0]) % 2",
    "one of n: hash(word) % n": "hash(words[0]) % len(words)",
}
SHOWN = (2, 3, 8)
"""Numbers of seeds whose agreement is shown."""
_RUN = "import json, sys\nprint(json.dumps([{} for words in json.load(sys.stdin)]))"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    sets: int = 5_000
    """Random sets of words for each program and each n."""
    sizes: tuple[int, ...] = (2, 3, 4, 6, 10, 20)
    seed: int = 0
    sandbox: str = "process:workers=2,cache=0"
    checked: int = 200
    """How many of them are asked of the sandbox as well."""


def random_words(rng: Random, size: int) -> list[str]:
    """Different words of three to eight letters."""
    words: set[str] = set()
    while len(words) < size:
        words.add("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 8))))
    return sorted(words)


def ask(expression: str, sets: list[list[str]], hash_seed: int) -> list[object]:
    """The value of an expression for each set of words, in an interpreter with this hash seed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _RUN.format(expression)],
        input=json.dumps(sets),
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def missed(expression: str, sets: list[list[str]], seeds: Sequence[int]) -> list[int]:
    """For each set of words, how many of the seeds, from the first on, agree."""
    rows = zip(*(ask(expression, sets, seed) for seed in seeds), strict=True)
    return [sum(1 for _ in takewhile(lambda value, first=row[0]: value == first, row)) for row in rows]


def main(options: Options) -> bool:
    """Prints one row for each program and n; returns whether the sandbox agrees with the interpreters."""
    rng = Random(options.seed)
    sandbox = open_sandbox(options.sandbox)
    table = Table("program", "n", *(f"{count} seeds agree" for count in SHOWN), "1 / n", "accepted by the sandbox")
    agree = True
    for name, expression in PROGRAMS.items():
        for size in options.sizes:
            sets = [random_words(rng, size) for _ in range(options.sets)]
            found = missed(expression, sets, sandbox.hash_seeds)
            programs = [f"def f(words={words}):\n    return {expression}" for words in sets[: options.checked]]
            outcomes = sandbox.run([Job(program=text, calls=("",), determinism=True) for text in programs])
            accepted = [outcome.status is Status.OK for outcome in outcomes]
            agree = agree and accepted == [alike == len(sandbox.hash_seeds) for alike in found[: options.checked]]
            shares = [f"{sum(alike >= count for alike in found) / len(found):.2%}" for count in SHOWN]
            table.add_row(name, str(size), *shares, f"{1 / size:.2%}", f"{sum(accepted) / len(accepted):.2%}")
        table.add_section()
    Console().print(table, "The sandbox agrees." if agree else "THE SANDBOX DISAGREES with its seeds.")
    return agree


if __name__ == "__main__":
    raise SystemExit(0 if main(tyro.cli(Options)) else 1)
