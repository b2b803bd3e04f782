"""Limits that the kernel keeps for a worker and for the programs it runs: memory, CPU time, processes, files, core dumps.

Part of the worker program. CPU time to the millisecond and wall time are kept by the parent's clocks.
"""

from __future__ import annotations

import ctypes
import resource
import signal

_RLIMIT_MSGQUEUE = 12  # Linux; the resource module does not name it
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_libc = ctypes.CDLL(None, use_errno=True)


def limit_worker() -> None:
    """The limits that hold for the parent too; those of a job are set in its child."""
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_STACK, 8 << 20),
        (_RLIMIT_MSGQUEUE, 0),  # names of message queues would outlive a job, and containers have a folder of them
    ):
        hard = resource.getrlimit(which)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (bound, bound))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    make_dumpable(False)  # no ptrace, no /proc/<pid>/mem or fd, for a child of the same user


def end_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it ends, however that comes about."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def limit_program(cpu_s: int, memory_bytes: int) -> None:
    """The limits of one job, set in its child: CPU seconds, bytes of address space, and no process or thread of its own."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def make_dumpable(dumpable: bool) -> None:
    """Whether others of the same user may look into this process."""
    _libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)
