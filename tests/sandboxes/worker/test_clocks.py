"""Clocks of a child: time used, and time without a processor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandboxes.worker.clocks import child_clocks
from tests.helpers.waiting import wait_for


def test_a_child_that_yields_at_once_is_not_starved() -> None:
    """Beside others on one processor, such a child waits all of the time and would be given eight times its limit."""
    place, started = min(os.sched_getaffinity(0)), time.monotonic()
    texts = ["while True: pass", "while True: pass", "import os\nwhile True: os.sched_yield()"]
    processes = [subprocess.Popen([sys.executable, "-S", "-c", text]) for text in texts]
    try:
        for process in processes:
            os.sched_setaffinity(process.pid, {place})

        def waits_longer_than_counts() -> bool:  # once the interpreter has started, which uses its time
            used_s, starved_s = child_clocks(processes[2].pid, time.monotonic() - started)
            waited_s = int(Path(f"/proc/{processes[2].pid}/schedstat").read_text().split()[1]) / 1e9
            return waited_s > 1.1 * starved_s == pytest.approx(8.8 * used_s)

        time.sleep(1)
        assert wait_for(waits_longer_than_counts)
        used_s, starved_s = child_clocks(processes[0].pid, time.monotonic() - started)
        assert starved_s > 0.3 * used_s  # who would have used the processor is starved
    finally:
        for process in processes:
            process.kill()
            process.wait()
