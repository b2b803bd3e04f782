"""The protocol of a backend, as the pool sees it, and a worker that it has started."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Started:
    """A worker program that has been started: the stream to it, and how to end it."""

    connection: socket.socket
    stop: Callable[[], str]
    """Ends the worker and frees what it held; returns its error output, for the error message."""
    process: int | None = None
    """Its process id, where it is a process of this machine's own."""


class Launcher(Protocol):
    """A backend: starts and stops single workers."""

    name: str

    def start(self, hash_seed: int) -> Started:
        """Starts one worker.

        Raises:
            SandboxUnavailable: Something on this machine is missing.
        """
        ...

    def close(self) -> None:
        """Frees what all workers shared."""
        ...
