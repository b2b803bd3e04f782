"""The layers between a program and the machine: which there are, whether they suffice, how a child enters them.

Part of the worker program. The layers that a worker reports, in this order:

    limits        of memory, file sizes, open files and core dumps; always there
    user          programs run under a user id that nothing else has; where the worker is root
    landlock-N    files, TCP and signals closed by the kernel's Landlock, version N
    seccomp       system calls cut down to what computing needs
    bwrap, unshare or container
                  namespaces around the worker, put there by whoever started it
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from . import seccomp
from .landlock import landlock_abi, library_folders, make_ruleset, restrict_self
from .limits import end_with_parent, limit_program, make_dumpable


def unprotected_resources(layers: Iterable[str]) -> list[str]:
    """The resources of the machine that programs could reach through these layers: `files`, `the network`, both or none.

    Everything is protected inside bwrap or a container, which show a program no file of the machine's. Elsewhere it takes two:
    Landlock for opening, making and removing files, and seccomp for changing their modes and for sockets, of which Landlock
    knows only TCP. The other layers are there for the day on which one of these has a hole.
    """
    names = {layer.partition("-")[0] for layer in layers}
    inside = bool(names & {"bwrap", "container"})
    protected = {"files": inside or names >= {"landlock", "seccomp"}, "the network": inside or "seccomp" in names}
    return [name for name, is_protected in protected.items() if not is_protected]


class NotIsolated(Exception):
    """Raised when programs would not be isolated; the message is a whole sentence for the user."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """The layers of one worker, ready for its children."""

    layers: tuple[str, ...]
    user: int | None
    ruleset: int | None
    """A descriptor of Landlock's rules."""
    parent_filter: seccomp.Filter | None
    child_filter: seccomp.Filter | None

    @classmethod
    def prepare(cls, around: str, without: Collection[str] = ()) -> Isolation:
        """Finds out which layers this machine has. Call it when everything that programs share has been loaded.

        Args:
            around: `bwrap`, `unshare`, `container` or `nothing`: where this process has been put.
            without: Layers to do without, as if this machine lacked them.

        Returns:
            The layers that were tried, each in a process of its own, and work.
        """
        user = None if "user" in without else _spare_user()
        # In a container there is nothing left for Landlock and for a child's own filter to close, and they cost each job time.
        bare = around != "container"
        ruleset = _make_rules() if bare and landlock_abi() and "landlock" not in without else None
        allowed = seccomp.parent_filter() if seccomp.available() and "seccomp" not in without else None
        allowed = allowed if allowed is not None and _works(allowed.install) else None
        layers = (
            ("limits", True),
            ("user", user is not None),
            (f"landlock-{landlock_abi()}", ruleset is not None),
            ("seccomp", allowed is not None),
            (around, around != "nothing"),
        )
        if user is not None:
            _open_library_by_descriptor()
        denied = seccomp.child_filter() if allowed is not None and bare else None
        return cls(tuple(name for name, works in layers if works), user, ruleset, allowed, denied)

    def require(self) -> None:
        """Checks that files and network are closed to programs.

        Raises:
            NotIsolated: They are not.
        """
        unprotected = unprotected_resources(self.layers)
        if unprotected:
            names = {layer.partition("-")[0] for layer in self.layers}
            missing = ", ".join(layer for layer in ("landlock", "seccomp", "bwrap") if layer not in names)
            raise NotIsolated(
                f"programs could reach {' and '.join(unprotected)} of this machine, which lacks {missing}: start Docker, "
                "install bubblewrap, or accept the risk with sandbox='process:unsafe'"
            )

    def install_parent_filter(self) -> None:
        """Puts the worker, too, under the allow-list of system calls from now on. Comes last.

        Raises:
            OSError: The kernel refuses.
        """
        if self.parent_filter is not None:
            self.parent_filter.install()

    def enter(self, cpu_s: int, memory_bytes: int) -> None:
        """Submits this child to all layers and to its own limits. After this, it may run a program.

        Raises:
            OSError: The kernel refuses one of them.
        """
        if self.user is not None:
            _become(self.user)
            # Changing user cleared both; without the first this process could not open its own /proc/self/fd.
            make_dumpable(True)
            end_with_parent()
        limit_program(cpu_s, memory_bytes)
        if self.ruleset is not None:
            restrict_self(self.ruleset)
            os.close(self.ruleset)
        if self.child_filter is not None:
            self.child_filter.install()


def _spare_user() -> int | None:
    """A user id that nothing else on the machine has; None where this process may not change its own."""
    if os.geteuid() != 0:
        return None
    # At random: process ids repeat, since most workers are the first of a namespace, and what a user holds is counted together.
    chance = int.from_bytes(os.urandom(3), "little")
    candidates = ((1 << 30) + chance, 60_000 + chance % 5_000, 65_534)
    return next((user for user in candidates if _works(lambda user=user: _become(user))), None)


def _make_rules() -> int | None:
    """A descriptor of Landlock's rules for this interpreter; None where a process under them could not import."""
    ruleset = make_ruleset(library_folders())

    def submit() -> None:
        restrict_self(ruleset)
        for folder in filter(os.path.isdir, sys.path):
            os.listdir(folder)

    if _works(submit):
        return ruleset
    os.close(ruleset)
    return None


def _works(action: Callable[[], None]) -> bool:
    """Whether an action that a process cannot undo goes well, found out in a forked copy of this one."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _open_library_by_descriptor() -> None:
    """Lets a child under a spare user id import from a standard library that only root can reach by its path.

    A directory descriptor skips the permission checks of the directories above it.
    """
    moved: dict[str, str] = {}
    for folder in sys.path:
        above = folder
        while above != "/" and os.path.exists(above) and os.stat(above).st_mode & 0o001:
            above = os.path.dirname(above)
        if above != "/" and os.path.isdir(folder):
            moved[folder] = f"/proc/self/fd/{os.open(folder, os.O_PATH)}"
    if not moved:
        return
    sys.path[:] = [moved.get(folder, folder) for folder in sys.path]
    for module in list(sys.modules.values()):  # packages that are loaded, and whose other modules are not
        places = getattr(module, "__path__", None)
        if isinstance(places, list):
            places[:] = [_move(str(place), moved) for place in places]
    with contextlib.suppress(ImportError):  # fills the directory cache once, here, for all children
        importlib.import_module("sandboxes_has_no_such_module")


def _move(place: str, moved: Mapping[str, str]) -> str:
    """A folder, by the descriptor of the innermost folder around it that has one."""
    for folder in sorted(moved, key=len, reverse=True):
        if place == folder or place.startswith(folder + "/"):
            return moved[folder] + place[len(folder) :]
    return place
