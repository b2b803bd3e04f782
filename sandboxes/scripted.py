"""A sandbox that runs nothing: canned outcomes, for tests of games and trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .errors import SandboxError
from .spec import Job, Outcome


class ScriptedSandbox:
    """Answers jobs from a function or from a list, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, answers: Callable[[Job], Outcome] | Iterable[Outcome]) -> None:
        """Prepares the answers.

        Args:
            answers: Called with each job, or taken one after the other.
        """
        self.jobs: list[Job] = []
        """Every job asked so far, in order."""
        self._answer = answers if callable(answers) else None
        self._outcomes = iter(()) if callable(answers) else iter(answers)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One canned outcome per job.

        Raises:
            SandboxError: The list of outcomes has run out.
        """
        outcomes: list[Outcome] = []
        for job in jobs:
            self.jobs.append(job)
            outcome = self._answer(job) if self._answer is not None else next(self._outcomes, None)
            if outcome is None:
                raise SandboxError(f"ScriptedSandbox ran out of outcomes at job {len(self.jobs)}; give it more.")
            outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        """Nothing to end."""
