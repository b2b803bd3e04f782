"""Errors of our own code while a message is judged: counted, logged once each with their traceback, charged to no player."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import Counter
from pathlib import Path

INTERNAL_ERROR = "internal_error"
"""The reason of a void verdict where our own code, or a game's, raised."""

_log = logging.getLogger("selfplay_envs")


class Faults:
    """Errors so far, by kind and place. Safe to share by threads."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """By a name such as `ValueError in verify.py:30`."""
        self._lock = threading.Lock()

    def note(self, error: Exception) -> None:
        """Counts an error; logs it the first time that one of its kind comes from its place."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        name = f"{type(error).__name__}{place}"
        with self._lock:
            self.counts[name] += 1
            new = self.counts[name] == 1
        if new:
            _log.error("%s while a message was judged; it is void, and more of these are only counted", name, exc_info=error)

    @property
    def total(self) -> int:
        """Number of errors."""
        return self.counts.total()
