"""PettingZoo's own tests on the AEC view of a game; importing this needs the extra `pettingzoo`."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

from pettingzoo.test import api_test, parallel_api_test, seed_test
from pettingzoo.utils.conversions import turn_based_aec_to_parallel

from .aec_view import SelfPlayAEC

UNAVOIDABLE = ("Observation is not a NumPy array", "(Observation|Action) space for each agent probably should be")
"""PettingZoo assumes arrays; these warnings cannot be avoided by any text game."""


def pettingzoo_check(subject: Any) -> str:
    """`api_test`, `seed_test` and `parallel_api_test`, warnings as errors but for the three about text spaces."""

    def make() -> SelfPlayAEC:
        return SelfPlayAEC(subject.env_id, **subject.kwargs)

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
