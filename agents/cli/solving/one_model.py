"""Models opened one after the other, so that one is in memory at a time."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.console import Console

from selfplay_envs import Referee

from ...arguments.open_model import OpenedModel, open_model
from ...arguments.own_judge import Judges
from ...config.run import TrainConfig
from ...display.tables import say

if TYPE_CHECKING:  # it loads torch
    from ...analysis.curriculum.solving import Solver


class OneModel:
    """Opens a model in the place of the one before; a context manager.

    Args:
        console: For what there is to say of a model.
        device: Of all models.
        short_cuts: As `TrainConfig.short_cuts`.
    """

    def __init__(self, console: Console, device: str, short_cuts: str) -> None:
        self._console, self._device, self._short_cuts = console, device, short_cuts
        self._name, self._opened, self._stack = "", None, ExitStack()

    def solver(self, name: str, config: TrainConfig, sandbox: str, judges: Judges) -> Solver:
        """The model of that name with a referee."""
        from ...analysis.curriculum.solving import Solver

        if self._opened is None or name != self._name:
            self._opened = self._open(name, config)
        opened = self._opened
        referee = Referee(sandbox, *judges, reserved=opened.reserved)
        return Solver(sampler=opened.sampler, referee=referee, by_role=opened.by_role)

    def _open(self, name: str, config: TrainConfig) -> OpenedModel:
        self.close()
        opened = open_model(name, "transformers", device=self._device, max_rows=config.max_rows, short_cuts=self._short_cuts)
        self._stack.callback(opened.sampler.close)
        self._name = name
        for note in opened.notes:
            say(self._console, note)
        return opened

    def close(self) -> None:
        """Gives the model's memory back."""
        self._stack.close()
        self._opened = None
        gc.collect()

    def __enter__(self) -> OneModel:
        """Opens nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the model."""
        self.close()
