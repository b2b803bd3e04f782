"""Work in threads, one core each: torch leaves Python's lock while it computes, so that batches run side by side.

With torch's own threads every operation is cut in pieces that wait for each other; beside a busy process, or with operations as
short as a small model's, that waiting is most of the time. Here no thread waits before the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


def side_by_side(works: Sequence[Callable[[], T]], workers: int) -> list[T]:
    """Results of works, in their order; at most `workers` at a time.

    Raises:
        BaseException: What the first of them raised; those under way have ended by then, those behind never begin.
    """
    if workers < 2 or len(works) < 2:
        return [work() for work in works]
    with ThreadPoolExecutor(min(workers, len(works)), initializer=torch.get_num_threads) as pool:  # takes over torch's number
        return list(pool.map(lambda work: work(), works))
