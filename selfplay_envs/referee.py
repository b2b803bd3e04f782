"""The referee answers what games ask: all generators in lock-step, one sandbox batch and one batch per judge and round.

A generator that raises unexpectedly costs its own message the verdict, which is then void, and nobody else's: what a player
wrote never ends a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sandboxes import CallOutcome, CodeSandbox, Job, Outcome, SandboxError, open_sandbox

from .errors import GameError, SelfPlayError, UsageError
from .faults import INTERNAL_ERROR, Faults
from .game import Judge, JudgeItem, Request, Result, Score, Verdict
from .judges import check_judge, open_judge

T = TypeVar("T")
_CALLS_TOGETHER = 256  # a sandbox refuses a job of more than 1,024 calls


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """What one generator returned, and every result it was sent on the way."""

    value: T
    results: tuple[Result, ...]


class Referee:
    """Owns the handlers of a run: a sandbox and judges, by name or as objects, opened when first asked.

    Args:
        sandbox: `auto`, `docker`, `process`, or a `CodeSandbox`.
        judge: A text that `selfplay_envs.judges` or `judges` knows, or a `Judge`: who answers items that name nobody else.
        judges: Judges bound to this run by name, such as `self`; they come before the registry's.
        reserved: Texts that no player can be shown as they are, such as the special tokens of the players' tokenizers: a
            message that would have others see one is refused.
        strict: Whether an unexpected error of a game's code is raised, for its author and for tests, instead of costing the
            message its verdict.

    Raises:
        UsageError: No judge has that name, whether it is ever asked or not.
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
        self._sandbox = sandbox
        self._judge = judge
        self._judges: dict[str, Judge] = dict(judges or {})
        self._judge_text = judge if isinstance(judge, str) and judge not in self._judges else ""
        if self._judge_text:
            check_judge(self._judge_text)
        self._asked: dict[str, Judge] = {}
        self.reserved = frozenset(reserved) - {""}
        self.strict = strict
        self.faults = Faults()

    @property
    def sandbox(self) -> CodeSandbox:
        """The sandbox, opened on first use.

        Raises:
            SandboxUnavailable: The named backend cannot run on this machine.
        """
        if isinstance(self._sandbox, str):
            self._sandbox = open_sandbox(self._sandbox)
        return self._sandbox

    @property
    def judge(self) -> Judge:
        """The environment's own judge, opened on first use.

        Raises:
            UsageError: No judge of that name is bound or registered.
        """
        if isinstance(self._judge, str):
            self._judge = self._find(self._judge)
        return self._judge

    def judge_named(self, name: str) -> Judge:
        """The judge that items naming it are put to, opened on first use; from then on `backend` tells of it.

        Raises:
            UsageError: No judge of that name is bound or registered.
        """
        self._asked[name] = judge = self._find(name)
        return judge

    def check_judges(self, names: Iterable[str]) -> None:
        """Opens these judges, without asking them anything: `Game.judges`, before anybody has said a word.

        Raises:
            UsageError: One is neither bound nor registered.
        """
        for name in names:
            self._find(name)

    def _find(self, name: str) -> Judge:
        if name not in self._judges:
            self._judges[name] = open_judge(name)
        return self._judges[name]

    @property
    def backend(self) -> dict[str, str]:
        """Names of what was really used so far; a handler that nobody asked is not opened just to be named.

        Keys: `sandbox`, `judge` (its text with its options, where it was given as one), `judge:NAME` for each further judge
        that was asked, and `hash_seeds` of the sandbox, which a sandbox text takes as `hash-seeds=`.
        """
        asked = dict(self._asked)  # another lane may add to it meanwhile
        further = {f"judge:{name}": asked[name] for name in sorted(asked)}
        handlers: dict[str, object] = {"sandbox": self._sandbox, "judge": self._judge_text or self._judge, **further}
        names = {
            key: value if isinstance(value, str) else getattr(value, "name", type(value).__name__)
            for key, value in handlers.items()
        }
        seeds: tuple[int, ...] = getattr(self._sandbox, "hash_seeds", ())
        return {**names, **({"hash_seeds": "+".join(map(str, seeds))} if seeds else {})}

    def answer(
        self, generators: Sequence[Generator[list[Request], list[Any], T]], otherwise: Callable[[str], Any] = Verdict.nothing
    ) -> list[Answered[T]]:
        """Runs every generator to its end, all of them in lock-step.

        Args:
            generators: What games and verifiers ask.
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

        def advance(index: int, send: list[Result] | None) -> list[Request] | None:
            """The next requests of a generator, or None once its value is known."""
            try:
                requests = next(generators[index]) if send is None else generators[index].send(send)
            except StopIteration as stop:
                values[index] = stop.value
                return None
            except Exception as error:
                values[index] = otherwise(self.caught(error))
                return None
            if not isinstance(requests, list) or not all(isinstance(request, Job | JudgeItem) for request in requests):
                raise GameError(f"a game yielded {requests!r:.80}; yield a list of Job and JudgeItem.")
            return requests

        waiting = {index: advance(index, None) for index in range(len(generators))}
        while asked := {index: requests for index, requests in waiting.items() if requests is not None}:
            flat = [request for requests in asked.values() for request in requests]
            replies = iter(self._resolve(flat))
            for index, requests in asked.items():
                mine = [next(replies) for _ in requests]
                results[index].extend(mine)
                waiting[index] = advance(index, mine)
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

    def can_be_shown(self, findings: Any) -> bool:
        """Whether no text in these JSON-able findings holds a reserved one."""
        match findings:
            case str():
                return not any(text in findings for text in self.reserved)
            case {**items}:
                return all(map(self.can_be_shown, items)) and all(map(self.can_be_shown, items.values()))
            case list() | tuple():
                return all(map(self.can_be_shown, findings))
            case _:
                return True

    def _resolve(self, requests: list[Request]) -> list[Result]:
        jobs = [request for request in requests if isinstance(request, Job)]
        items: dict[str, list[JudgeItem]] = {}
        for request in requests:
            if isinstance(request, JudgeItem):
                items.setdefault(request.judge, []).append(request)
        outcomes = iter(run_grouped(self.sandbox, jobs) if jobs else [])
        scores = {name: iter(self._score(name, own)) for name, own in items.items()}
        return [next(outcomes) if isinstance(request, Job) else next(scores[request.judge]) for request in requests]

    def _score(self, name: str, items: list[JudgeItem]) -> list[Score]:
        """One batch for one judge; the empty name is the environment's own."""
        scores = (self.judge_named(name) if name else self.judge).score(items)
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


def run_grouped(sandbox: CodeSandbox, jobs: Sequence[Job]) -> list[Outcome]:
    """Runs jobs of equal programs as one, and each distinct call once; the sandbox sees to it that calls do not meet.

    Jobs whose calls may meet have their processes to themselves: only whole equals are one.

    Returns:
        One outcome per job, in order, as if each had run alone.
    """
    keys = [(replace(job, calls=()), job.calls if job.may_meet else ()) for job in jobs]
    wanted: dict[tuple[Job, tuple[str, ...]], dict[str, None]] = {}
    for key, job in zip(keys, jobs, strict=True):
        wanted.setdefault(key, {}).update(dict.fromkeys(job.calls))
    merged: list[tuple[tuple[Job, tuple[str, ...]], Job]] = []
    for key, calls in wanted.items():
        for start in range(0, len(calls), _CALLS_TOGETHER):
            merged.append((key, replace(key[0], calls=tuple(calls)[start : start + _CALLS_TOGETHER])))
    found: dict[tuple[Job, tuple[str, ...], str], CallOutcome] = {}
    for (key, job), outcome in zip(merged, sandbox.run([job for _, job in merged]), strict=True):
        found |= {(*key, call): one for call, one in zip(job.calls, outcome.calls, strict=True)}
    return [Outcome.of([found[*key, call] for call in job.calls]) for key, job in zip(keys, jobs, strict=True)]
