"""Packages that programs may import, imported once by the worker: quietly, and never at the cost of the worker.

Part of the worker program.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Generator, Mapping

PRELOAD = "preload-"
"""An option of the worker that starts with this names a distribution; its value is that distribution's modules."""
_NO_FOLDER = "/proc"
"""A folder that exists everywhere and in which nobody can make a file."""
# The first verdicts of a process that has only just imported the grammar of LaTeX take half a second each, later ones some
# milliseconds, and every child is such a process, unless it inherits what these have left in the caches.
_WARM_UP = {
    "math_verify": r"""
import math_verify
pairs = (r"\frac{1}{2}", "0.5"), (r"x^2+2x+1", r"(x+1)^2"), ("7", "The answer is 8"), (r"\{1,2\}", r"\{2,1\}"), (
    r"\sqrt{8}+\pi", r"2\sqrt{2}+\pi"), ("10", r"so \boxed{10\%}"), ("(1,2]", r"[1,2) \cup \{3\}"), ("x=3", "3"), (
    r"\begin{pmatrix}1\\2\end{pmatrix}", r"\text{(A)}"), (r"\sin(x) \le 2^{x_1}", r"x \ge -\infty"), ("1,000", "1000.0")
for gold, answer in pairs:
    read = [math_verify.parse(text, parsing_timeout=None) for text in (f"${gold}$", answer, f"${answer}$")]
    math_verify.verify(read[0], read[1], timeout_seconds=None), math_verify.verify(read[0], read[2], timeout_seconds=None)
"""
}
"""Programs by module, to be run once after its import."""


def preload(options: Mapping[str, str]) -> list[str]:
    """Imports the modules of each distribution that the options name.

    Returns:
        A sentence's end for each distribution of which no module could be imported: its name and the reason. A module that
        fails beside others is left to the programs that import it, as some need what only their authors have.
    """
    failures: list[str] = []
    with _silence(), _pretended_cache_folder():
        for option, modules in options.items():
            if option.startswith(PRELOAD):
                reasons = [_import(name) for name in modules.split("+")]
                if all(reasons):
                    failures.append(f"{option.removeprefix(PRELOAD)}: {reasons[0]}")
    return failures


def _import(name: str) -> str:
    """Imports a module and warms it up; returns what went wrong, or nothing."""
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a package may do anything while it is imported
        text = " ".join(str(error).split())
        return f"{type(error).__name__}: {text[:300]}"
    with contextlib.suppress(Exception):  # another version of it is only slower
        exec(_WARM_UP.get(name, ""), {})
    return ""


@contextlib.contextmanager
def _silence() -> Generator[None]:
    """Sends whatever is printed to nobody: the error output is for the one reason why a worker does not start."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in enumerate(kept, start=1):
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(nothing)


@contextlib.contextmanager
def _pretended_cache_folder() -> Generator[None]:
    """Has matplotlib, which others import without need, believe in a cache folder: it refuses to be imported without one.

    What it writes there fails, which it takes with a warning.
    """
    asked = os.access

    def access(path: str, mode: int, **options: bool) -> bool:
        return path == _NO_FOLDER or asked(path, mode, **options)

    os.environ["MPLCONFIGDIR"] = _NO_FOLDER
    os.access = access  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        os.access = asked
