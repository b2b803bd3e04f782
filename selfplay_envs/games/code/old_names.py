"""Deprecated names of the code games: games that were derived from them before still work, with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ...core.messages import Message
from ...tasks.code_task import CodeTask

Prompt = Callable[[Any, CodeTask], tuple[Message, ...]]


class OldNames:
    """`solve_prompt`, today `answer_prompt`, and `masks`, today the opposite of `train_malformed`."""

    train_malformed: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Gives a class that defines `solve_prompt` alone its `answer_prompt`, and the other way round.

        The old name leads to the very method of its class, so that `super().solve_prompt(task)` never comes back to its caller.
        """
        super().__init_subclass__(**kwargs)
        methods: Any = cls
        old: Prompt | None = cls.__dict__.get("solve_prompt")
        new: Prompt | None = cls.__dict__.get("answer_prompt")
        if old is not None and new is None:
            warnings.warn(f"{cls.__name__}.solve_prompt is now answer_prompt.", DeprecationWarning, stacklevel=2)
            methods.answer_prompt = old
        elif new is not None and old is None:
            methods.solve_prompt = _solve_prompt(new)

    @property
    def masks(self) -> bool:
        """Deprecated opposite of `train_malformed`."""
        _warn_masks()
        return not self.train_malformed

    @masks.setter
    def masks(self, value: bool) -> None:
        _warn_masks()
        self.train_malformed = not value


def _solve_prompt(answer_prompt: Prompt) -> Prompt:
    def solve_prompt(self: Any, task: CodeTask) -> tuple[Message, ...]:
        """Deprecated name of `answer_prompt`."""
        warnings.warn("CodeGame.solve_prompt is now answer_prompt.", DeprecationWarning, stacklevel=2)
        return answer_prompt(self, task)

    return solve_prompt


def _warn_masks() -> None:
    warnings.warn("CodeGame.masks is now `not CodeGame.train_malformed`.", DeprecationWarning, stacklevel=3)
