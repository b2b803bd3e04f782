"""The start of an engine process: under limits of the kernel, and without a way to write to the trainer's terminal.

The engine keeps its own limits. These hold should it fail to: address space, no core dumps, no bytes written to files. Also,
a worker reports on its error stream that a program has taken too much memory, which is of no use to anybody.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

_ADDRESS_KIB = 2 << 20
_SCRIPT = """\
#!/bin/sh
exec 2>/dev/null
ulimit -c 0
ulimit -f 0
ulimit -n 64
ulimit -v {address_kib}
exec '{binary}' "$@"
"""


class EngineLauncher:
    """A script in memory that becomes the engine; `path` is what to execute while this object is open.

    Where there is no memory to keep it in, which is anywhere but on Linux, the path is the engine's own.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self.path: str | None = None
        binary = _find_binary()
        if binary is not None and sys.platform == "linux":
            self._descriptor = os.memfd_create("monty")
            os.write(self._descriptor, _SCRIPT.format(address_kib=_ADDRESS_KIB, binary=binary).encode())
            self.path = f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def close(self) -> None:
        """Forgets the script."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _find_binary() -> str | None:
    """The engine of this environment, or of the search path; None leaves it to the library to complain."""
    here = Path(sysconfig.get_path("scripts")) / "monty"
    path = str(here) if here.is_file() else shutil.which("monty")
    return None if path is None or "'" in path else os.path.realpath(path)
