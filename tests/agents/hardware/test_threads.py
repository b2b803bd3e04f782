from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from agents.hardware.threads import side_by_side
from tests.helpers.waiting import PATIENCE_S


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_works(workers: int) -> None:
    pauses = [0.02, 0, 0.01, 0]
    works = [partial(lambda index, pause: (time.sleep(pause), index)[1], *one) for one in enumerate(pauses)]
    assert side_by_side(works, workers) == [0, 1, 2, 3]
    assert side_by_side([], workers) == []


def test_works_run_at_once_and_a_single_worker_stays_in_its_thread() -> None:
    together = threading.Barrier(2, timeout=PATIENCE_S)
    side_by_side([together.wait, together.wait], 2)
    assert side_by_side([threading.get_ident, threading.get_ident], 1) == [threading.get_ident()] * 2


def test_the_first_error_is_raised_once_those_under_way_have_ended() -> None:
    ended: list[int] = []
    together, failed = threading.Barrier(2, timeout=PATIENCE_S), threading.Event()

    def fail() -> None:
        together.wait()
        failed.set()
        raise KeyboardInterrupt

    def go_on() -> None:
        together.wait()
        failed.wait(PATIENCE_S)
        ended.append(1)

    with pytest.raises(KeyboardInterrupt):
        side_by_side([fail, go_on], 2)
    assert ended == [1]
