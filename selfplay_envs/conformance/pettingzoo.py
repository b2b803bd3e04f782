"""PettingZoo's own tests on the AEC view of a game; importing this needs the extra `pettingzoo`."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

from pettingzoo.test import api_test, parallel_api_test, seed_test
from pettingzoo.utils.conversions import turn_based_aec_to_parallel

from ..views.pettingzoo_env import SelfPlayAEC
from .moves import MovesSpace
from .promises import Subject

UNAVOIDABLE = ("Observation is not a NumPy array", "(Observation|Action) space for each agent probably should be")
"""PettingZoo assumes arrays; these warnings cannot be avoided by any text game."""


class _Tested(SelfPlayAEC):
    """The view as PettingZoo's tests can test it: they pass an option that means nothing, and sample actions by themselves."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.env_id, sandbox=subject.sandbox, judge=subject.judge, **subject.kwargs)
        self.referee = subject.referee()
        moves = subject.moves
        self.action_spaces = {agent: MovesSpace(moves, lambda: self._match) for agent in self.possible_agents}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        super().reset(seed)


def pettingzoo_check(subject: Subject) -> str:
    """`api_test`, `seed_test` and `parallel_api_test`, warnings as errors but for the three about text spaces."""

    def make() -> SelfPlayAEC:
        return _Tested(subject)

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("error")
        for text in UNAVOIDABLE:
            warnings.filterwarnings("ignore", message=text)
        api_test(make(), num_cycles=30)
        seed_test(make, num_cycles=30)
        parallel = make()
        parallel.metadata = {**parallel.metadata, "is_parallelizable": True}
        parallel_api_test(turn_based_aec_to_parallel(parallel), num_cycles=30)
    return "api_test, seed_test and parallel_api_test pass"
