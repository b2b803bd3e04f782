"""Seccomp: which system calls a worker may still make once it is warm, and which of those a single child may not.

Part of the worker program. One allow-list is installed by the parent, once, and holds for every child too. Each child adds a
few denials of its own: what a parent needs to fork, limit and end its children, a program does not. Calls that are not
allowed fail with EPERM; those that a C library tries first and can do without fail with ENOSYS.

The numbers are those of x86-64. Elsewhere there is no such layer, and `available` says so.

See: seccomp(2), and the kernel's userspace-api/seccomp_filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable

CALLS = {
    name: int(number)
    for name, _, number in (
        pair.partition("=")
        for pair in """
    read=0 write=1 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 munmap=11 brk=12 rt_sigaction=13
    rt_sigprocmask=14 rt_sigreturn=15 pread64=17 pwrite64=18 readv=19 writev=20 access=21 pipe=22 select=23 sched_yield=24
    mremap=25 msync=26 madvise=28 dup=32 dup2=33 pause=34 nanosleep=35 getitimer=36 alarm=37 setitimer=38 getpid=39 sendto=44
    recvfrom=45 sendmsg=46 recvmsg=47 shutdown=48 getsockname=51 getpeername=52 fork=57 exit=60 wait4=61 kill=62 uname=63
    getcwd=79 readlink=89 gettimeofday=96 getrlimit=97 getrusage=98 sysinfo=99 times=100 getuid=102 getgid=104 geteuid=107
    getegid=108 getppid=110 getpgrp=111 getgroups=115 setgroups=116 setresuid=117 getresuid=118 setresgid=119 getresgid=120
    getpgid=121 getsid=124 rt_sigpending=127 rt_sigtimedwait=128 rt_sigsuspend=130 sigaltstack=131 getpriority=140 gettid=186
    tkill=200 time=201 futex=202 sched_getaffinity=204 getdents64=217 set_tid_address=218 restart_syscall=219
    clock_gettime=228 clock_getres=229 clock_nanosleep=230 exit_group=231 epoll_wait=232 epoll_ctl=233 tgkill=234 waitid=247
    newfstatat=262 readlinkat=267 faccessat=269 pselect6=270 ppoll=271 set_robust_list=273 epoll_pwait=281
    eventfd2=290 epoll_create1=291 dup3=292 pipe2=293 preadv=295 pwritev=296 getcpu=309 getrandom=318 statx=332 rseq=334
    close_range=436 faccessat2=439 epoll_pwait2=441 landlock_restrict_self=446
    """.split()
    )
}
"""Allowed whatever their arguments. Of these, `kill` and its like are the parent's, and cut down in each child."""
_OPEN, _IOCTL, _SOCKETPAIR, _CLONE, _FCNTL, _PRCTL, _OPENAT, _PRLIMIT64, _CLONE3 = 2, 16, 53, 56, 72, 157, 257, 302, 435
_NEWEST = 462
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
# Duplicating, flags, asking about locks; not F_SETOWN and F_SETSIG, which send signals to other processes.
_FCNTLS = (0, 1, 2, 3, 4, 5, 1030, 1032, 1034)
_O_TRUNC, _ACCESS_MODE, _WRITE_ONLY, _READ_AND_WRITE = 0x200, 3, 1, 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_RLIMIT_STACK = 3
_FORK_FLAGS = 0x0120_0000 | 0xFF  # clone as fork uses it: no thread, no vfork, no namespace

_Step = tuple[int, int, int, int]
"""One instruction of classic BPF: code, steps to skip if true, steps to skip if false, constant."""
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_ALLOW: _Step = (_RETURN, 0, 0, 0x7FFF_0000)
_DENY: _Step = (_RETURN, 0, 0, 0x0005_0000 | errno.EPERM)
_ABSENT: _Step = (_RETURN, 0, 0, 0x0005_0000 | errno.ENOSYS)
_LOAD_NUMBER: _Step = (_LOAD, 0, 0, 0)
_LOAD_ARCHITECTURE: _Step = (_LOAD, 0, 0, 4)
_X86_64, _X32_BIT = 0xC000_003E, 0x4000_0000
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]


def available() -> bool:
    """Whether the numbers of this module are those of this process, and the kernel has filters."""
    return os.uname().machine == "x86_64" and sys.maxsize > 1 << 32 and _libc.prctl(21, 0, 0, 0, 0) >= 0  # PR_GET_SECCOMP


class Filter:
    """A filter ready to be installed; see `parent_filter` and `child_filter`."""

    def __init__(self, steps: list[_Step], own_process_at: int | None = None) -> None:
        """Lays the steps out in memory.

        Args:
            steps: The instructions.
            own_process_at: The step whose constant is the id of the process that installs the filter.
        """
        code = b"".join(struct.pack("=HBBI", *step) for step in steps)
        self._steps = ctypes.create_string_buffer(code, len(code))
        self._own_process_at = own_process_at
        self._program = _Program(len(steps), ctypes.addressof(self._steps))

    def install(self) -> None:
        """Puts this process, and all that it will ever start, under the filter. Cannot be undone.

        Raises:
            OSError: The kernel refuses.
        """
        if self._own_process_at is not None:
            struct.pack_into("=I", self._steps, self._own_process_at * 8 + 4, os.getpid())
        if _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(self._program)) != 0:
            raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def parent_filter() -> Filter:
    """The allow-list of a warm worker and its children."""
    is_stream_of_unix = [_argument(0), (_EQUAL, 0, 4, 1), _argument(1), (_AND, 0, 0, 0xF), (_EQUAL, 0, 1, 1), _ALLOW, _DENY]
    steps = [_LOAD_ARCHITECTURE, (_EQUAL, 1, 0, _X86_64), _DENY, _LOAD_NUMBER]
    for number in CALLS.values():
        steps += _on(number, [_ALLOW])
    steps += _on(_OPEN, _if_emptying_means_writing(1)) + _on(_OPENAT, _if_emptying_means_writing(2))
    steps += _on(_IOCTL, _if_argument(1, _IOCTLS))
    steps += _on(_FCNTL, _if_argument(1, _FCNTLS))
    steps += _on(_PRCTL, _if_argument(0, (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP)))
    steps += _on(_PRLIMIT64, _if_argument(0, (0,)))
    steps += _on(_CLONE, [_argument(0), (_ANY_BIT, 0, 1, 0xFFFF_FFFF & ~_FORK_FLAGS), _DENY, _ALLOW])
    steps += _on(_SOCKETPAIR, is_stream_of_unix)
    steps += _on(_CLONE3, [_ABSENT])
    steps += [(_ABOVE, 0, 2, _NEWEST), (_ABOVE, 1, 0, _X32_BIT - 1), _ABSENT, _DENY]
    return Filter(steps)


def child_filter() -> Filter:
    """The calls that a child loses on top: forking, setting limits but for its stack's, and signals to all but itself."""
    to_itself = [_argument(0), (_EQUAL, 0, 1, 0), _ALLOW, _DENY]
    # Whose limits these are is for the parent's filter to see. No more than the hard limit of the stack, says the kernel.
    asks_or_stack = [_argument(1), (_EQUAL, 4, 0, _RLIMIT_STACK)]
    asks_or_stack += [_argument(2), (_EQUAL, 0, 3, 0), _argument(2, high=True), (_EQUAL, 0, 1, 0), _ALLOW, _DENY]
    signals = [CALLS[name] for name in ("kill", "tkill", "tgkill")]
    steps = [_LOAD_NUMBER, *_on(_PRLIMIT64, asks_or_stack)]
    for number in (_CLONE, CALLS["fork"], _PRCTL):
        steps += _on(number, [_DENY])
    steps += [(_EQUAL, len(signals) - place, 0, number) for place, number in enumerate(signals)]
    steps += [_ALLOW, *to_itself]
    return Filter(steps, own_process_at=len(steps) - 3)


def _on(number: int, then: list[_Step]) -> list[_Step]:
    """Steps that end with `then` for this system call, and pass every other on to the next steps."""
    return [(_EQUAL, 0, len(then), number), *then]


def _argument(place: int, *, high: bool = False) -> _Step:
    """Loads 32 bits of an argument, the lower ones unless `high`."""
    return _LOAD, 0, 0, 16 + 8 * place + 4 * high


def _if_emptying_means_writing(place: int) -> list[_Step]:
    """Denies opening a file that empties it without opening it for writing, which Landlock knows of from version 3 on only."""
    allowed_modes = [(_EQUAL, 2, 0, _WRITE_ONLY), (_EQUAL, 1, 0, _READ_AND_WRITE)]
    return [_argument(place), (_ANY_BIT, 0, 4, _O_TRUNC), (_AND, 0, 0, _ACCESS_MODE), *allowed_modes, _DENY, _ALLOW]


def _if_argument(place: int, values: Iterable[int]) -> list[_Step]:
    """Allows a call whose argument is one of these integers, and denies it otherwise."""
    return [_argument(place), *[step for value in values for step in ((_EQUAL, 0, 1, value), _ALLOW)], _DENY]
