"""Warming up: a worker imports and runs what programs commonly use, so that its children share it.

Part of the worker program.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import mmap
import warnings

from .child import Work, run_work

# The modules that programs import most, and not more: every library that is loaded makes every fork dearer, by a fifth in all
# for the rest of what the standard library has to offer. Neither threading nor random, whose hooks run in every fork.
_PRELOAD = """
    abc bisect collections collections.abc contextlib copy dataclasses enum functools heapq itertools json math numbers
    operator re string struct types typing
"""
_WARM_UP = """
import math
from collections import Counter, defaultdict, deque
from typing import List
def f(n: int, s: str = "ab") -> List[int]:
    class Point:
        def __init__(self, x):
            self.x = x
        def half(self):
            return self.x * 0.5
    queue, seen, words = deque([n]), defaultdict(list), Counter(s * 3)
    seen[queue.popleft()].append(s)
    try:
        s.index("zz")
    except ValueError as error:
        seen[0].append(str(error))
    text = f"{s:>5}" + "%s-%d" % (s, n) + " ".join(map(str, sorted([3, 1, 2], key=lambda v: -v)))
    return [Point(n).half(), words.most_common(1), text.upper().split(), {k: len(v) for k, v in seen.items()},
            math.sqrt(n), sum(i * i for i in range(n) if i % 2 == 0), tuple(text[::-1]), {1, 2} | {n}]
"""


def warm_up() -> int:
    """Imports and runs what programs commonly use. Returns the address space that this process takes then, in bytes."""
    for name in _PRELOAD.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    warnings.simplefilter("ignore")
    work = Work(_WARM_UP, "f", ("4", "5, s='x y'"), 65_536, 2, 2)
    for _ in range(3):
        run_work(work, lambda tag, text: 0)
    gc.collect()
    gc.freeze()
    gc.disable()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * mmap.PAGESIZE
