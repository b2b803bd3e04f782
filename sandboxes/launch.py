"""How a worker program is started: which interpreter, with which arguments, holding which source text.

Both backends pass the worker as source on the command line, so a container needs no files of ours.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

_MODULES = ("values", "wire", "page", "child", "worker")
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


def worker_command(interpreter: str, connection: str) -> list[str]:
    """The command line of a worker that talks over `connection`, which is `fd=<number>` or `socket=<path>`.

    Not `-I` or `-E`: they would ignore PYTHONHASHSEED.
    """
    return [interpreter, "-s", "-S", "-B", "-c", worker_source(), connection]
