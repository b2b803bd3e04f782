"""Records survive any cut."""

from __future__ import annotations

from sandboxes.protocol.wire import Tag, record, records


def test_records_survive_any_cut() -> None:
    data = record(Tag.VALUE, "é") + record(Tag.EXCEPTION, "\ud800")
    assert list(records(data)) == [(Tag.VALUE, "é"), (Tag.EXCEPTION, "\\ud800")]
    for cut in range(len(data)):
        assert len(list(records(data[:cut]))) < 2
