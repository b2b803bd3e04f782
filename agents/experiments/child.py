"""Runs the program in a process that ends when its parent does: `python -m agents.experiments.child PARENT ARGS`.

The kernel sends SIGTERM to it when the parent is gone, however that ended, and a run that trains saves its state then. Where
there is no such call (not Linux), an orphan goes on to the end of its stage.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Has this process ended when its parent ends; the setting stays with what takes its place.

    Raises:
        SystemExit: The parent has ended already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(143)  # as if it had come in time


def main(args: Sequence[str]) -> None:
    """Becomes `python -m agents ARGS`; the first argument is the number of the parent.

    Ctrl-C, by which the parent stops it, is heard again where a shell that put the parent into the background had it ignored.
    """
    parent, *rest = args
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with(int(parent))
    os.execv(sys.executable, [sys.executable, "-m", "agents", *rest])


if __name__ == "__main__":
    main(sys.argv[1:])
