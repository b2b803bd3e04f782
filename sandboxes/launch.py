"""How a worker program is started: which interpreter, with which arguments, holding which source text.

Both backends pass the worker as source on the command line, so a container needs no files of ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_MODULES = ("library", "values", "wire", "streams", "page", "child", "landlock", "seccomp", "isolate", "worker")
_BOOT = """\
import sys, types
package = types.ModuleType("sandboxes")
package.__path__ = []
sys.modules["sandboxes"] = package
for name, source in {sources!r}:
    module = types.ModuleType("sandboxes." + name)
    module.__package__ = "sandboxes"
    sys.modules[module.__name__] = module
    exec(compile(source, "<worker " + name + ">", "exec"), module.__dict__)
sys.modules["sandboxes.worker"].main(sys.argv[1:])
"""


def base_interpreter() -> str:
    """The real path of the interpreter behind this one, out of any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


@cache
def worker_source() -> str:
    """The whole worker as one Python program."""
    folder = Path(__file__).parent
    sources = [(name, (folder / f"{name}.py").read_text(encoding="utf-8")) for name in _MODULES]
    return _BOOT.format(sources=sources)


def worker_command(interpreter: str, connection: str, *options: str) -> list[str]:
    """The command line of a worker.

    Not `-I` or `-E`: they would ignore PYTHONHASHSEED.

    Args:
        interpreter: Path of the Python that runs it.
        connection: `fd=<number>`, `socket=<path>` or `stdio`: what it talks over.
        *options: `name=value` words, see `worker.main`.
    """
    return [interpreter, "-s", "-S", "-B", "-c", worker_source(), connection, *options]


def worker_environment(hash_seed: int) -> dict[str, str]:
    """The environment that a worker starts with; it forgets it before it serves."""
    environment = {"PYTHONHASHSEED": str(hash_seed), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    if "LD_LIBRARY_PATH" in os.environ:  # some interpreters do not start without it
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment


def package_options(folder: str, modules: Sequence[str]) -> list[str]:
    """The options by which a worker offers packages: where they lie, and which modules to import before it forks."""
    return [f"packages={folder}", f"preload={'+'.join(modules)}"]
