"""The dispatcher: one thread with a selector that hands frames to workers, collects replies and requeues what is lost.

Batches take turns frame by frame, so a long batch does not hold up a short one.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import InvalidStateError

from .batch import SEEDS, Batch, Errand
from .crew import Crew
from .errors import SandboxUnavailable
from .link import Launcher, Link, WorkerLost
from .spec import Outcome
from .stats import SandboxStats


class Dispatcher:
    """Runs batches on the workers of one sandbox, in a thread of its own that ends with `stop`.

    Args:
        launcher: Starts and stops single workers.
        workers: How many programs run side by side.
        recycle_after: Frames after which a worker is replaced; 0: never.
        hash_seeds: Of the interpreters, `batch.SEEDS` of them.
    """

    def __init__(self, launcher: Launcher, workers: int, recycle_after: int, hash_seeds: Sequence[int]) -> None:
        self._name = launcher.name
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        allowed = [workers, *(max(1, workers // 2) for _ in hash_seeds[1:])]
        self.crew = Crew(launcher, hash_seeds, allowed, recycle_after, self._selector, self._call, self._fail_all)
        self._batches: deque[Batch] = deque()
        self._inbox: deque[Callable[[], None]] = deque()
        self._statuses: Counter[str] = Counter()
        self._jobs = 0
        self._busy_s = 0.0
        self._busy_since: float | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name=f"{launcher.name}-sandbox", daemon=True)
        self._thread.start()

    def add(self, batch: Batch) -> None:
        """Runs a batch; its future gets the outcomes. Cancelling the future drops what has not been sent."""
        self._call(lambda: self._admit(batch))
        batch.future.add_done_callback(lambda future: self._call(self._forget_cancelled) if future.cancelled() else None)

    def stop(self) -> None:
        """Ends the thread and every worker; batches under way fail with `SandboxUnavailable`."""
        self._stopping = True
        self._call(lambda: None)
        self._thread.join()

    def stats(self) -> SandboxStats:
        """Counters, read while the thread goes on: each is right, together they may be a moment apart."""
        links, since = list(self.crew), self._busy_since
        return SandboxStats(
            jobs=self._jobs,
            statuses=dict(self._statuses),
            busy_s=self._busy_s + (time.monotonic() - since if since is not None else 0.0),
            queued=sum(batch.size - batch.running for batch in tuple(self._batches)),
            running=sum(len(link.running) for link in links),
            workers=len(links),
            layers=next((link.layers for link in links), ()),
            **{name: self.crew.counts[name] for name in ("started", "lost", "recycled", "requeued")},
        )

    def _call(self, what: Callable[[], None]) -> None:
        """Has the thread call `what` soon. Callable from any thread."""
        self._inbox.append(what)
        with contextlib.suppress(OSError):  # a full pipe wakes as well; a closed one has nobody to wake
            self._wake_write.send(b"!")

    def _admit(self, batch: Batch) -> None:
        self._batches.append(batch)
        if self._busy_since is None:
            self._busy_since = time.monotonic()

    def _forget_cancelled(self) -> None:
        self._batches = deque(batch for batch in self._batches if not batch.future.cancelled())

    def _loop(self) -> None:
        """Until stopped; an error of the sandbox fails the batches under way, not the thread."""
        while not self._stopping:
            try:
                self._turn()
            except Exception as error:
                self._fail_all(error)
        self.crew.await_starting()
        self._read_inbox()
        self._fail_all(SandboxUnavailable(f"This {self._name} sandbox was closed while it worked."))
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def _turn(self) -> None:
        """Takes in what was asked, hands out, waits for something to happen, files it."""
        self._read_inbox()
        self._hand_out()
        self._finish()
        busy = [link for link in self.crew if link.running]
        pause_s = max(0.0, min(link.deadline for link in busy) - time.monotonic()) if busy else None
        for key, events in self._selector.select(0 if self._inbox or self._stopping else pause_s):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_read.recv(4096)
            else:
                self._serve(key.data, events)
        now = time.monotonic()
        for link in busy:
            if link.running and link.deadline <= now and link in self.crew:
                self._replace(link)

    def _read_inbox(self) -> None:
        while self._inbox:
            self._inbox.popleft()()

    def _hand_out(self) -> None:
        """Gives waiting frames to workers with room, batch by batch in turn; asks for workers where frames wait."""
        for place in range(SEEDS):
            while (link := self.crew.with_room(place)) is not None and (errand := self._next(place)) is not None:
                link.give(errand)
            if any(batch.waiting[place] for batch in self._batches):
                self.crew.reinforce(place)
        self.crew.watch()

    def _next(self, place: int) -> Errand | None:
        """The next frame for this hash seed; the batch that gave it goes to the end of the line."""
        for _ in range(len(self._batches)):
            errand = self._batches[0].take(place)
            self._batches.rotate(-1)
            if errand is not None:
                return errand
        return None

    def _finish(self) -> None:
        for batch in [batch for batch in self._batches if batch.size == 0]:
            self._batches.remove(batch)
            outcomes = batch.outcomes()
            self._jobs += len(outcomes)
            self._statuses.update(str(call.status) for outcome in outcomes for call in outcome.calls)
            _resolve(batch, outcomes)
        if not self._batches and self._busy_since is not None:
            self._busy_s += time.monotonic() - self._busy_since
            self._busy_since = None

    def _serve(self, link: Link, events: int) -> None:
        """Moves bytes of one worker, and files what its replies say."""
        if link not in self.crew:
            return  # replaced earlier in this turn
        try:
            if events & selectors.EVENT_WRITE:
                link.flush()
            for errand, reply in link.receive() if events & selectors.EVENT_READ else []:
                errand.batch.answer(errand.frame, reply)
        except (OSError, WorkerLost):
            self._replace(link)

    def _replace(self, link: Link) -> None:
        """Drops a worker that died or hangs. Only the frame that it was running is held against its program."""
        self.crew.counts["lost"] += 1
        self.crew.drop(link)
        for position, (_, errand) in reversed(list(enumerate(link.running))):
            errand.frame.losses += position == 0
            if errand.frame.losses >= 2:
                errand.batch.give_up(errand.frame)
            else:
                self.crew.counts["requeued"] += 1
                errand.batch.put_back(errand.frame)

    def _fail_all(self, error: Exception) -> None:
        """Fails every batch under way and ends every worker: half-done frames must not answer the next batch."""
        self.crew.disband()
        batches, self._batches = self._batches, deque()
        for batch in batches:
            _resolve(batch, error)


def _resolve(batch: Batch, result: list[Outcome] | Exception) -> None:
    """Tells whoever waits, unless they have cancelled meanwhile."""
    with contextlib.suppress(InvalidStateError):
        if isinstance(result, Exception):
            batch.future.set_exception(result)
        else:
            batch.future.set_result(result)
