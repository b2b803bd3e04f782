"""The command line that starts a worker program: which interpreter, with which arguments, holding which source text.

Both backends pass the worker as source on the command line, so a container needs no files of ours.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_MAIN = "sandboxes.worker.main"
_BOOT = """\
import sys, types
for name in {packages!r}:
    package = types.ModuleType(name)
    package.__path__ = []
    sys.modules[name] = package
for name, source in {sources!r}:
    module = types.ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    sys.modules[name] = module
    exec(compile(source, "<worker " + name + ">", "exec"), module.__dict__)
sys.modules["{main}"].main(sys.argv[1:])
"""


def base_interpreter() -> str:
    """The real path of the interpreter behind this one, out of any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


@cache
def worker_source() -> str:
    """The whole worker as one Python program: the module of its `main`, and before it those of ours that it imports."""
    sources: dict[str, str] = {}
    _collect(_MAIN, sources)
    packages = sorted({"sandboxes", *(name.rpartition(".")[0] for name in sources)})
    return _BOOT.format(packages=packages, sources=list(sources.items()), main=_MAIN)


def _collect(name: str, sources: dict[str, str]) -> None:
    """Adds the source of a module behind the sources of those that it imports relatively.

    Args:
        name: The module's full name.
        sources: Source texts by module name, in an order in which they can be executed.
    """
    source = (Path(__file__).parents[2] / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*name.split(".")[: -node.level], *([node.module] if node.module else [])])
            modules = [base] if node.module else [f"{base}.{alias.name}" for alias in node.names]
            for module in modules:
                if module not in sources:
                    _collect(module, sources)
    sources[name] = source


def worker_command(interpreter: str, connection: str, *options: str) -> list[str]:
    """The command line of a worker.

    Not `-I` or `-E`: they would ignore PYTHONHASHSEED.

    Args:
        interpreter: Path of the Python that runs it.
        connection: `fd=<number>`, `socket=<path>` or `stdio`: the stream to the host.
        *options: `name=value` words, see `worker.main`.
    """
    return [interpreter, "-s", "-S", "-B", "-c", worker_source(), connection, *options]


def worker_environment(hash_seed: int) -> dict[str, str]:
    """The environment that a worker starts with; it forgets it before it serves."""
    environment = {"PYTHONHASHSEED": str(hash_seed), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    if "LD_LIBRARY_PATH" in os.environ:  # some interpreters do not start without it
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment


def package_options(folder: str, modules: Mapping[str, Sequence[str]]) -> list[str]:
    """The options by which a worker offers packages: where they lie, and which modules to import before it forks.

    Args:
        folder: A folder for `sys.path`.
        modules: Import names by the distributions that they belong to.
    """
    return [f"packages={folder}", *(f"preload-{name}={'+'.join(modules[name])}" for name in modules if modules[name])]
