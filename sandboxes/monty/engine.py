"""The engine's side: which calls of a job it is sent, as which text, and which outcomes its values are worth."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..core.caps import refuse
from ..core.errors import SandboxUnavailable
from ..core.types import CallOutcome, Job, Limits, Status
from ..protocol.canonical import NotSerialisable, TooLarge, canonical
from ..protocol.literals import NotALiteral, read_call
from .gate import admit
from .guard import guarded_text
from .launcher import EngineLauncher
from .program import Refused
from .subset import is_plain_text

RECURSION_DEPTH = 100
"""Deepest recursion that the engine answers for. CPython's own limit of 1,000 frames is further away than this even where
each level passes through three nested comprehensions and the builtins that read them."""
_TIME_S = 0.1
_TIME_SHARE = 4
_MEMORY_SHARE = 8
"""The engine's values are not this many times smaller than CPython's: what fits into a share of the memory fits there."""
_GRACE_S = 0.2
_REQUEST_S = 5.0

Arguments = tuple[list[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """A job for the engine: the text to run, and the arguments of the calls that it may answer, by their index."""

    text: str
    arguments: dict[int, Arguments]
    count: int
    """Number of calls of the job."""
    limits: Limits


def make_request(job: Job) -> EngineRequest | None:
    """The request to the engine, or None where every call is for CPython."""
    if job.packages or refuse(job) is not None or _engine_text(job.program, job.entry_point, False) is None:
        return None
    arguments: dict[int, Arguments] = {}
    floats = False
    for index, call in enumerate(job.calls):
        try:
            positional, keywords = read_call(call)
        except NotALiteral:
            continue
        if _fits(positional) and _fits(keywords):
            arguments[index] = positional, keywords
            floats = floats or _has_float(positional) or _has_float(keywords)
    text = _engine_text(job.program, job.entry_point, floats)
    return EngineRequest(text, arguments, len(job.calls), job.limits) if arguments and text is not None else None


@lru_cache(maxsize=1_024)
def _engine_text(program: str, entry_point: str, floats: bool) -> str | None:
    """The text to run for a program, or None outside the gate; remembered, since it costs more than running it."""
    try:
        admitted = admit(program, entry_point)
        return guarded_text(admitted, entry_point, floats or admitted.makes_floats())
    except Refused:
        return None


def _fits(value: Any) -> bool:
    """Whether an argument is plain data that the engine keeps as CPython does; `%` could turn text into a format."""
    kind = type(value)
    if kind is list or kind is tuple:
        return all(map(_fits, value))
    if kind is dict:
        return all(map(_is_key, value)) and all(map(_fits, value.values()))
    if kind is str:
        return is_plain_text(value) and "%" not in value
    return value is None or kind is int or kind is bool or kind is float


def _is_key(value: Any) -> bool:
    """Whether a dict key equals no value of another type."""
    if type(value) is tuple:
        return all(map(_is_key, value))
    return value is None or type(value) is int or (type(value) is str and _fits(value))


def _has_float(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_float, value))
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    return isinstance(value, float)


class Engine:
    """Some engine processes and as many threads, which wait for them without holding the interpreter lock.

    Raises:
        SandboxUnavailable: The engine does not start.
    """

    def __init__(self, workers: int) -> None:
        import pydantic_monty

        self._error = pydantic_monty.MontyError
        self._launcher = EngineLauncher()
        self._pool = pydantic_monty.Monty(
            binary_path=self._launcher.path,
            min_processes=workers,
            max_processes=workers,
            request_timeout=_REQUEST_S,
            feed_duration_limit_grace=_GRACE_S,
        )
        try:
            self._pool.__enter__()
            if self._run("__calls", ["ready"], Limits(cpu_s=60), _REQUEST_S) != ["ready"]:
                raise RuntimeError("it does not answer")
        except RuntimeError as error:
            self._launcher.close()
            raise _unavailable(error) from error
        self._threads = ThreadPoolExecutor(workers, "monty")

    def submit(self, request: EngineRequest) -> Future[list[CallOutcome | None]]:
        """A future of one outcome per call of the job; None for those that the engine does not answer.

        Raises:
            SandboxUnavailable: The engine is closed.
        """
        try:
            return self._threads.submit(self.answer, request)
        except RuntimeError as error:
            raise SandboxUnavailable("The sandbox was closed while it was working.") from error

    def answer(self, request: EngineRequest) -> list[CallOutcome | None]:
        """One outcome per call of the job; None for those that the engine does not answer.

        Raises:
            SandboxUnavailable: A worker died, and the engine cannot start another.
        """
        answers: list[CallOutcome | None] = [None] * request.count
        try:
            values = self._run(request.text, list(request.arguments.values()), request.limits)
        except RuntimeError as error:
            raise _unavailable(error) from error
        for index, value in zip(request.arguments, values, strict=False):
            answers[index] = _outcome(value, request.limits)
        return answers

    def close(self) -> None:
        """Ends threads and processes; requests under way are answered first, those that wait are cancelled."""
        self._threads.shutdown(cancel_futures=True)
        self._pool.__exit__(None, None, None)
        self._launcher.close()

    def _run(self, text: str, calls: list[Any], limits: Limits, most_s: float = 0.0) -> list[Any]:
        """The values that the text gives for the calls, one for each; none at all when one of them exhausted the engine."""
        try:
            with self._pool.checkout(
                limits={
                    "max_feed_duration_secs": min(most_s or _TIME_S, limits.cpu_s / _TIME_SHARE),
                    "max_memory": (limits.memory_mib << 20) // _MEMORY_SHARE,
                    "max_recursion_depth": RECURSION_DEPTH,
                },
                assert_message_annotations=False,
            ) as session:
                values = session.feed_run(text, inputs={"__calls": calls})
        except (self._error, ValueError, OverflowError, RecursionError):  # the last three: a value that cannot cross over
            return []  # CPython says what is wrong
        return values if isinstance(values, list) and len(values) == len(calls) else []


def _unavailable(error: RuntimeError) -> SandboxUnavailable:
    return SandboxUnavailable(f"The fast engine does not start ({error}); type `pip install --force-reinstall pydantic-monty`.")


def _outcome(value: Any, limits: Limits) -> CallOutcome | None:
    """The outcome that a value is worth: the canonical text of a plain value, or nothing."""
    if type(value) is not tuple or len(value) != 1:
        return None
    try:
        text = canonical(value[0], limits.output_bytes)
    except (NotSerialisable, TooLarge):
        return None
    return CallOutcome(status=Status.OK, value=text) if len(text.encode()) <= limits.output_bytes else None
