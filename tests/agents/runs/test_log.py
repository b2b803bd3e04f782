"""Events of a run to a callback, rows to its files and to dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agents.runs.events import Event
from agents.runs.log import RunLog
from agents.runs.rows import read_rows


class Dashboard:
    def __init__(self) -> None:
        self.rows: list[tuple[int, Mapping[str, float]]] = []

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        self.rows.append((step, numbers))

    def close(self) -> None:
        pass


def test_events_go_to_the_callback_with_their_step(tmp_path: Path) -> None:
    events: list[Event] = []
    log = RunLog(tmp_path, events.append)
    log.emit("checkpoint", 3, path="here")
    log.on_round(4, "collect")(1, 2)
    assert [(event.kind, event.step) for event in events] == [("checkpoint", 3), ("round", 4)]
    assert [dict(event.data) for event in events] == [{"path": "here"}, {"finished": 1, "total": 2, "phase": "collect"}]


def test_a_row_is_written_and_its_numbers_are_mirrored_under_its_step(tmp_path: Path) -> None:
    log, dashboard = RunLog(tmp_path, lambda event: None), Dashboard()
    log.trackers = [dashboard]
    log.write("timings.jsonl", {"step": 5, "update_s": 2, "note": "text"}, prefix="time/")
    assert read_rows(tmp_path / "timings.jsonl") == [{"step": 5, "update_s": 2, "note": "text"}]
    assert dashboard.rows == [(5, {"time/update_s": 2.0})]
