"""The referee answers the requests of games: all generators in lock-step, one sandbox batch and one batch per judge and round.

A generator that raises unexpectedly costs its own message the verdict, which is then void, and nobody else's: a player's
text never ends a batch.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sandboxes import CodeSandbox, Job, SandboxError, open_sandbox

from ..core.errors import GameError, SelfPlayError, UsageError
from ..core.game import Request, Result, Verdict
from ..core.judging import Judge, JudgeItem, Score
from ..judges.registry import Judges
from .faults import INTERNAL_ERROR, Faults
from .grouping import run_grouped

T = TypeVar("T")
Block = Callable[[], AbstractContextManager[Any]]
"""Opens a `with` block."""


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """The value that one generator returned, and every result it was sent on the way."""

    value: T
    results: tuple[Result, ...]


class _SandboxHandle:
    """A sandbox by name, opened on first use, or one that is open; safe to share by threads."""

    def __init__(self, sandbox: str | CodeSandbox) -> None:
        self.sandbox = sandbox
        self._opening = threading.Lock()

    def open(self) -> CodeSandbox:
        with self._opening:
            if isinstance(self.sandbox, str):
                self.sandbox = open_sandbox(self.sandbox)
            return self.sandbox


class Referee:
    """Owns the handlers of a run: a sandbox and judges, by name or as objects, opened on first use.

    Args:
        sandbox: `auto`, `docker`, `process`, or a `CodeSandbox`.
        judge: A text that `selfplay_envs.judges` or `judges` knows, or a `Judge`: it scores items that name no judge.
        judges: Judges bound to this run by name, such as `self`; they come before the registry's.
        reserved: Texts that no player can be shown as they are, such as the special tokens of the players' tokenizers: a
            message that would have others see one is refused.
        strict: Whether an unexpected error of a game's code is raised, for its author and for tests, instead of costing the
            message its verdict.

    Raises:
        UsageError: No judge has that name, whether it is ever used or not.
    """

    def __init__(
        self,
        sandbox: str | CodeSandbox = "auto",
        judge: str | Judge = "rules",
        judges: Mapping[str, Judge] | None = None,
        *,
        reserved: Iterable[str] = (),
        strict: bool = False,
    ) -> None:
        self._handle = _SandboxHandle(sandbox)
        self.judges = Judges(judge, judges)
        """Judges by text; `judges[""]` is the environment's own."""
        self._used_judges: dict[str, None] = {}
        self._model_lock: Block = nullcontext
        self._clock: Block = nullcontext
        self.reserved = frozenset(reserved) - {""}
        self.strict = strict
        self.faults = Faults()

    def in_threads(self, *, model_lock: Block, clock: Block) -> Referee:
        """This referee for threads that share a model, with the same handlers and faults.

        Sandboxes take batches from several threads at once. Of a judge that is not known: it may compute with the very model
        that another thread samples from. A judge that can score at any time says so by an attribute `concurrent = True`.

        Args:
            model_lock: Opens the block in which a judge may use a model.
            clock: Opens the block whose seconds are spent in `answer`.
        """
        twin = copy(self)
        twin._model_lock, twin._clock = model_lock, clock
        return twin

    def judged_by(self, judge: str | Judge) -> Referee:
        """This referee with another judge of items that name none; the handlers else, and faults, are the same.

        Raises:
            UsageError: No judge has that name.
        """
        twin = copy(self)
        twin.judges, twin._used_judges = self.judges.with_default(judge), {}
        return twin

    @property
    def sandbox(self) -> CodeSandbox:
        """The sandbox, opened on first use.

        Raises:
            SandboxUnavailable: The named backend cannot run on this machine.
        """
        return self._handle.open()

    @property
    def backend(self) -> dict[str, str]:
        """Names of the handlers that were really used so far; an unused one is not opened just to be named.

        Keys: `sandbox`, `judge` (its text with its options, where it was given as one), `judge:NAME` for each further judge
        that was used, and `hash_seeds` of the sandbox, which a sandbox text takes as `hash-seeds=`.
        """
        used = sorted(dict(self._used_judges))  # a copy: another thread may add to it meanwhile
        further = {f"judge:{name}": self.judges[name] for name in used}
        handlers: dict[str, object] = {"sandbox": self._handle.sandbox, "judge": self.judges.default, **further}
        names = {
            key: value if isinstance(value, str) else getattr(value, "name", type(value).__name__)
            for key, value in handlers.items()
        }
        seeds: tuple[int, ...] = getattr(self._handle.sandbox, "hash_seeds", ())
        return {**names, **({"hash_seeds": "+".join(map(str, seeds))} if seeds else {})}

    def answer(
        self,
        generators: Sequence[Generator[list[Request], list[Any], T] | Verdict | None],
        otherwise: Callable[[str], Any] = Verdict.nothing,
    ) -> list[Answered[T]]:
        """Runs every generator to its end, all of them in lock-step.

        Args:
            generators: Those of games and verifiers, which yield requests; or whatever else `Game.judge` and `Game.settle` may
                return: a verdict, or None.
            otherwise: Makes the value of a generator that raised unexpectedly, given a reason.

        Returns:
            One `Answered` per generator, in order; it does not depend on what else is in the batch.

        Raises:
            GameError: A game yielded something that is not a list of requests.
            UsageError: A judge that a game names is neither bound nor registered, or a judge left an item out.
            SandboxUnavailable: No program can be run.
        """
        results: list[list[Result]] = [[] for _ in generators]
        values: dict[int, Any] = {}
        running: dict[int, Any] = {}

        def advance(index: int, send: list[Result] | None) -> list[Request] | None:
            """The next requests of a generator, or None once its value is known."""
            try:
                if send is None:
                    generator: Any = generators[index]
                    running[index] = iter(() if generator is None else generator)
                requests = next(running[index]) if send is None else running[index].send(send)
            except StopIteration as stop:
                values[index] = stop.value
                return None
            except Exception as error:
                values[index] = otherwise(self.caught(error))
                return None
            if not isinstance(requests, list) or not all(isinstance(request, Job | JudgeItem) for request in requests):
                raise GameError(f"a game yielded {requests!r:.80}; yield a list of Job and JudgeItem.")
            return requests

        with self._clock():
            waiting = {index: advance(index, None) for index in range(len(generators))}
            while open_requests := {index: requests for index, requests in waiting.items() if requests is not None}:
                flat = [request for requests in open_requests.values() for request in requests]
                replies = iter(self._resolve(flat))
                for index, requests in open_requests.items():
                    sent = [next(replies) for _ in requests]
                    results[index].extend(sent)
                    waiting[index] = advance(index, sent)
        return [Answered(values[index], tuple(results[index])) for index in range(len(generators))]

    def caught(self, error: Exception) -> str:
        """Counts and logs an unexpected error of a game's code; the reason of the void verdict that it leads to.

        Raises:
            Exception: `error` itself, where it says who is at fault, or where this referee is strict.
        """
        if self.strict or isinstance(error, SelfPlayError | SandboxError):
            raise error
        self.faults.note(error)
        return INTERNAL_ERROR

    def can_be_shown(self, data: Any) -> bool:
        """Whether no text in these JSON-able data holds a reserved one."""
        match data:
            case str():
                return not any(text in data for text in self.reserved)
            case {**items}:
                return all(map(self.can_be_shown, items)) and all(map(self.can_be_shown, items.values()))
            case list() | tuple():
                return all(map(self.can_be_shown, data))
            case _:
                return True

    def _resolve(self, requests: list[Request]) -> list[Result]:
        """One result per request, in order: one sandbox batch, and one batch per judge."""
        jobs = [request for request in requests if isinstance(request, Job)]
        items: dict[str, list[JudgeItem]] = {}
        for request in requests:
            if isinstance(request, JudgeItem):
                items.setdefault(request.judge, []).append(request)
        outcomes = iter(run_grouped(self.sandbox, jobs) if jobs else [])
        scores = {name: iter(self._score(name, batch)) for name, batch in items.items()}
        return [next(outcomes) if isinstance(request, Job) else next(scores[request.judge]) for request in requests]

    def _score(self, name: str, items: list[JudgeItem]) -> list[Score]:
        """One batch for one judge; the empty name is the environment's own."""
        judge = self.judges[name]
        if name:
            self._used_judges[name] = None
        with nullcontext() if getattr(judge, "concurrent", False) else self._model_lock():
            scores = judge.score(items)
        if len(scores) != len(items):
            raise UsageError(
                f"the judge {name or 'of the environment'} gave {len(scores)} scores for {len(items)} items; "
                "Judge.score returns one Score per item, in order."
            )
        if not all(math.isfinite(value) for score in scores for value in score.values):
            raise UsageError(
                f"the judge {name or 'of the environment'} gave a value that is no finite number; see Judge.score."
            )
        return scores
