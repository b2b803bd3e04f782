"""Jobs with packages: each goes to a sandbox whose workers have imported them, all others where they would go without this."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from .backends.packages import normal_name
from .core.errors import SandboxUnavailable
from .core.stats import SandboxStats
from .core.types import CodeSandbox, Job, Outcome

Part = tuple[list[int], Future[list[Outcome]]]
"""Indices of jobs of a batch, and the future of their outcomes."""


class RoutingSandbox(CodeSandbox):
    """A `CodeSandbox` in front of one sandbox and its siblings, one for each set of packages. Thread-safe.

    Args:
        home: Answers every job whose packages it has, those without any first of all; closed together with this one.
        packages: Distributions that programs may import at home.
        open_sibling: Makes a sandbox like `home` with these packages, on the first job that needs them. It may raise
            `SandboxUnavailable`, which the future of that batch gets before any of its jobs has run.
    """

    def __init__(
        self, home: CodeSandbox, packages: Sequence[str], open_sibling: Callable[[tuple[str, ...]], CodeSandbox]
    ) -> None:
        self.name = home.name
        self.hash_seeds = home.hash_seeds
        self._home = home
        self._at_home = frozenset(map(normal_name, packages))
        self._open_sibling = open_sibling
        self._siblings: dict[frozenset[str], CodeSandbox] = {}
        """By what programs may import there."""
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A future of one outcome per job; those for different sandboxes run side by side."""
        if not any(job.packages for job in jobs):
            return self._home.submit(jobs)
        try:
            shares = self._share_out(jobs)
        except SandboxUnavailable as error:
            if self.closed:
                raise
            failed: Future[list[Outcome]] = Future()
            failed.set_exception(error)
            return failed
        parts: list[Part] = []
        try:
            for sandbox, indices in shares:
                parts.append((indices, sandbox.submit([jobs[index] for index in indices])))
        except BaseException:
            _cancel(parts)
            raise
        return parts[0][1] if len(parts) == 1 else _join(parts)

    def stats(self) -> SandboxStats:
        """Those of home and all siblings together."""
        return sum((sibling.stats() for sibling in list(self._siblings.values())), self._home.stats())

    @property
    def closed(self) -> bool:
        """Whether this one or the sandbox at home can answer no more."""
        return self._closed or bool(getattr(self._home, "closed", False))

    def close(self) -> None:
        """Closes the sandbox at home and every sibling."""
        with self._lock:
            self._closed = True
        for sandbox in (self._home, *self._siblings.values()):
            sandbox.close()

    def _share_out(self, jobs: Sequence[Job]) -> list[tuple[CodeSandbox, list[int]]]:
        """The sandboxes that these jobs go to, and the indices of the jobs of each, in order.

        Raises:
            SandboxUnavailable: A package is not installed, or this sandbox is closed.
        """
        shares: dict[frozenset[str], list[int]] = {}
        for index, job in enumerate(jobs):
            packages = self._at_home.union(map(normal_name, job.packages)) if job.packages else self._at_home
            shares.setdefault(packages, []).append(index)
        return [(self._sandbox_with(packages), indices) for packages, indices in shares.items()]

    def _sandbox_with(self, packages: frozenset[str]) -> CodeSandbox:
        if packages == self._at_home:
            return self._home
        with self._lock:
            if self.closed:
                raise SandboxUnavailable(
                    f"This {self.name} sandbox is closed or belongs to another process; call open_sandbox again."
                )
            if packages not in self._siblings:
                self._siblings[packages] = self._open_sibling(tuple(sorted(packages)))
            return self._siblings[packages]


def _join(parts: list[Part]) -> Future[list[Outcome]]:
    """A future of the outcomes of all parts, in the order of the batch. One that fails drops the others."""
    joined: Future[list[Outcome]] = Future()
    joined.add_done_callback(lambda future: _cancel(parts) if future.cancelled() else None)
    waiting = len(parts)
    lock = threading.Lock()

    def arrive(part: Future[list[Outcome]]) -> None:
        nonlocal waiting
        with lock:
            waiting -= 1
            is_last = waiting == 0
        if part.cancelled() or part.exception() is not None:
            _cancel(parts)
        if is_last and joined.set_running_or_notify_cancel():
            _settle(joined, parts)

    for _, part in parts:
        part.add_done_callback(arrive)
    return joined


def _settle(joined: Future[list[Outcome]], parts: list[Part]) -> None:
    """Gives the future its outcomes, or the first error of a part; all parts are done."""
    errors = [error for _, part in parts if not part.cancelled() and (error := part.exception()) is not None]
    if errors:
        joined.set_exception(errors[0])
    elif any(part.cancelled() for _, part in parts):
        joined.set_exception(SandboxUnavailable("The sandbox was closed while it was working."))
    else:
        outcomes = {index: outcome for indices, part in parts for index, outcome in zip(indices, part.result(), strict=True)}
        joined.set_result([outcomes[index] for index in sorted(outcomes)])


def _cancel(parts: list[Part]) -> None:
    for _, part in parts:
        part.cancel()
