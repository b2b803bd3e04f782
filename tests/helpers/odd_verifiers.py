"""Verifiers with one planted fault each, named in texts as `tests.helpers.odd_verifiers:CLASS`."""

from __future__ import annotations

from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.exact import Exact
from selfplay_envs.verifiers.findings import RIGHT, WORKER_LOST, Checking, settled


class TakesAll(Exact):
    """Finds every answer right."""

    def check(self, problem: Problem, answer: str) -> Checking:
        """Right."""
        return settled(RIGHT)


class KnowsNothing(Exact):
    """Loses its sandbox at the answer 42."""

    def check(self, problem: Problem, answer: str) -> Checking:
        """Void, once."""
        return settled(WORKER_LOST) if answer == "42" else super().check(problem, answer)


class WritesBadly(Exact):
    """Writes gold replies that it does not read."""

    def write(self, answer: str) -> str:
        """Without the answer."""
        return ""
