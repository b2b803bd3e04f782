"""The task buffer: the curriculum's memory, outside the environment, sampled by generators that the caller owns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.errors import UsageError
from .duplicates import task_key

Task = dict[str, Any]


class TaskBuffer:
    """Keeps at most `capacity` tasks; every operation on one task takes constant time, but for `discard`.

    Args:
        seeds: Tasks that are there from the start and age like any other.
        capacity: Tasks kept. AZR: 16384.
        keep: What stays once there are so many: the `newest` tasks, so that the oldest leave, or the `oldest`, so that no task
            enters any more, as in AZR's code.
        exclude: Tasks that must never enter, such as held-out programs.
        key: Names a task for the novelty gate; a task whose name is in the buffer is refused.

    Raises:
        UsageError: `capacity` is not positive, or `keep` neither.
    """

    def __init__(
        self,
        seeds: tuple[Mapping[str, Any], ...] = (),
        *,
        capacity: int = 16_384,
        keep: str = "newest",
        exclude: Callable[[Mapping[str, Any]], bool] | None = None,
        key: Callable[[Mapping[str, Any]], str] = task_key,
    ) -> None:
        if capacity < 1:
            raise UsageError(f"capacity={capacity!r} must be at least 1 task.")
        if keep not in ("newest", "oldest"):
            raise UsageError(f"keep={keep!r} is not known; choose newest or oldest.")
        self.capacity = capacity
        self._keeps_oldest = keep == "oldest"
        self._exclude = exclude
        self._key = key
        self._ring: list[Task] = []
        self._next = 0
        self._known: set[str] = set()
        for seed in seeds:
            self.add(seed)

    def __len__(self) -> int:
        return len(self._ring)

    def __contains__(self, task: Mapping[str, Any]) -> bool:
        return self._key(task) in self._known

    def add(self, task: Mapping[str, Any]) -> str:
        """Adds a task as the newest: `added`, or why not: `duplicate`, `excluded` or `full`."""
        if self._exclude is not None and self._exclude(task):
            return "excluded"
        name = self._key(task)
        if name in self._known:
            return "duplicate"
        if self._keeps_oldest and len(self._ring) >= self.capacity:
            return "full"
        self._known.add(name)
        if len(self._ring) < self.capacity:
            self._ring.append(dict(task))
        else:
            self._known.discard(self._key(self._ring[self._next]))
            self._ring[self._next] = dict(task)
        self._next = (self._next + 1) % self.capacity
        return "added"

    def discard(self, task: Mapping[str, Any]) -> bool:
        """Takes a task out, which turned out to be none; whether it was there."""
        name = self._key(task)
        if name not in self._known:
            return False
        rest = [entry for entry in self.newest(len(self))[::-1] if self._key(entry) != name]
        self._known.discard(name)
        self._ring, self._next = rest, len(rest) % self.capacity
        return True

    def newest(self, count: int) -> list[Task]:
        """The last `count` tasks that were added, newest first; fewer if there are fewer."""
        return [self._aged(age) for age in range(min(count, len(self._ring)))]

    def references(self, rng: np.random.Generator, count: int) -> list[Task]:
        """`count` different tasks drawn uniformly; fewer if there are fewer."""
        return [self._aged(age) for age in self._draw(rng, len(self._ring), count)]

    def sample(self, rng: np.random.Generator, count: int, newest: float = 0.5) -> list[Task]:
        """`count` different tasks: a share from the most recent `count`, the rest uniformly from the whole buffer.

        Args:
            rng: The caller's generator.
            count: How many; fewer are returned if the buffer holds fewer.
            newest: Share in [0, 1] taken from the newest `count` tasks.

        Raises:
            UsageError: `newest` is outside [0, 1].
        """
        if not 0.0 <= newest <= 1.0:
            raise UsageError(f"newest={newest!r} is not a share from 0 to 1.")
        size = len(self._ring)
        chosen = self._draw(rng, min(count, size), round(count * newest))
        # at most `count` of the drawn are taken already, so drawing 2 * count uniformly always leaves enough
        rest = [age for age in self._draw(rng, size, 2 * count) if age not in set(chosen)]
        return [self._aged(age) for age in (chosen + rest)[:count]]

    def state_dict(self) -> dict[str, Any]:
        """Everything but `exclude` and `key`, as JSON types."""
        return {"tasks": self.newest(len(self))[::-1], "capacity": self.capacity}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` saved; sampling goes on exactly as it would have."""
        self.capacity = state["capacity"]
        self._ring, self._next, self._known = [], 0, set()
        for task in state["tasks"]:
            self._known.add(self._key(task))
            self._ring.append(dict(task))
        self._next = len(self._ring) % self.capacity

    def _aged(self, age: int) -> Task:
        """The task added `age` tasks before the newest; ages survive saving, positions in the ring do not."""
        return self._ring[(self._next - 1 - age) % len(self._ring)]

    @staticmethod
    def _draw(rng: np.random.Generator, size: int, count: int) -> list[int]:
        """`min(size, count)` different numbers below `size`, in time proportional to their number."""
        return [int(i) for i in rng.choice(size, size=min(size, count), replace=False, shuffle=True)] if size and count else []
