"""A sandbox that runs nothing: canned outcomes, for tests of games and trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from .core.errors import SandboxError
from .core.stats import SandboxStats
from .core.types import CodeSandbox, Job, Outcome


class ScriptedSandbox(CodeSandbox):
    """Answers jobs from a function or from a list, and remembers them."""

    name = "scripted"

    def __init__(self, answers: Callable[[Job], Outcome] | Iterable[Outcome]) -> None:
        """Prepares the answers.

        Args:
            answers: Called with each job, or taken one after the other.
        """
        self.jobs: list[Job] = []
        """Every job so far, in order."""
        self._answer = answers if callable(answers) else None
        self._outcomes = iter(()) if callable(answers) else iter(answers)

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A finished future of one canned outcome per job.

        Raises:
            SandboxError: By the future: the list of outcomes has run out.
        """
        future: Future[list[Outcome]] = Future()
        try:
            future.set_result([self._answer_one(job) for job in jobs])
        except SandboxError as error:
            future.set_exception(error)
        return future

    def stats(self) -> SandboxStats:
        """The number of jobs so far."""
        return SandboxStats(jobs=len(self.jobs))

    def close(self) -> None:
        """Nothing to end."""

    def _answer_one(self, job: Job) -> Outcome:
        self.jobs.append(job)
        outcome = self._answer(job) if self._answer is not None else next(self._outcomes, None)
        if outcome is None:
            raise SandboxError(f"ScriptedSandbox ran out of outcomes at job {len(self.jobs)}; give it more.")
        return outcome
