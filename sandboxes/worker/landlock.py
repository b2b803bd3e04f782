"""Landlock: a process gives up all files but some that it may read, TCP, and signals and sockets to the outside, for good.

Part of the worker program. The rules are made once, by the parent; each child submits itself to them. They cover opening,
creating, changing and removing files, not asking whether a file exists or changing its mode and times: the latter is for
`seccomp` or another user id to close.

See: landlock(7), and the kernel's userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture but alpha
_QUERY_ABI, _RULE_PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
# How many rights over files each ABI knows: the first 13, then refer (2), truncate (3), device ioctls (5).
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_ABI, _BIND_AND_CONNECT_TCP = 4, 0b11
_SCOPE_ABI, _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11
_SINGLE_FILES = {"/etc/ld.so.cache": _READ_FILE, "/dev/null": _READ_FILE | _WRITE_FILE, "/dev/urandom": _READ_FILE}
_TIME_ZONES = "/usr/share/zoneinfo"
_libc = ctypes.CDLL(None, use_errno=True)


def landlock_abi() -> int:
    """The version of Landlock that this kernel offers; 0 when it has none, or has it switched off."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_QUERY_ABI)))


def library_folders() -> list[str]:
    """The folders that an import reads from: those of modules, and those of the shared libraries loaded so far."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        mapped = {line.split(maxsplit=5)[5].rstrip("\n") for line in file if ".so" in line}
    folders = {os.path.dirname(path) for path in mapped} | set(sys.path)
    return sorted(folder for folder in {*folders, _TIME_ZONES} if folder.startswith("/") and os.path.isdir(folder))


def make_ruleset(folders: Sequence[str]) -> int:
    """A descriptor of rules that allow reading what is in these folders, /dev/null and the like, and nothing else.

    Raises:
        OSError: The kernel refuses.
    """
    abi = landlock_abi()
    files = (1 << _FILE_RIGHTS.get(abi, 16)) - 1
    network = _BIND_AND_CONNECT_TCP if abi >= _NET_ABI else 0
    scope = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPE_ABI else 0
    attributes = struct.pack("=QQQ", files, network, scope)  # older kernels take the longer struct if its rest is zero
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path, rights in (dict.fromkeys(folders, _READ_FILE | _READ_DIR) | _SINGLE_FILES).items():
        if os.path.exists(path):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("=Qi", rights, place)
                _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0))
            finally:
                os.close(place)
    return ruleset


def restrict_self(ruleset: int) -> None:
    """Submits this process, and all that it will ever start, to the rules.

    Raises:
        OSError: The kernel refuses.
    """
    _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))


def _call(number: int, *arguments: object) -> int:
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock: {os.strerror(ctypes.get_errno())}")
    return result
