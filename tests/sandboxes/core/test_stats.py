"""Counters: what two sandboxes have done together."""

from __future__ import annotations

from sandboxes import SandboxStats


def test_counters_of_two_sandboxes_add_up() -> None:
    mine = SandboxStats(jobs=1, statuses={"ok": 2, "timeout": 1}, busy_s=0.5, workers=2, cache_hits=4)
    theirs = SandboxStats(jobs=2, statuses={"ok": 3}, busy_s=1.0, lost=1, layers=("limits",))
    both = mine + theirs
    assert (both.jobs, both.calls, both.busy_s, both.workers, both.lost, both.cache_hits) == (3, 6, 1.5, 2, 1, 4)
    assert (dict(both.statuses), both.layers) == ({"ok": 5, "timeout": 1}, ("limits",))
