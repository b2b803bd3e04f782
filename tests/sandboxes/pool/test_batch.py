"""A batch: its frames are counted until each is settled, whatever became of the workers that held them."""

from __future__ import annotations

import pytest

from sandboxes import Job, Status
from sandboxes.pool.batch import MAX_LOSSES, Batch
from sandboxes.pool.frames import Reply
from sandboxes.protocol.wire import Stop, Tag, record

VALUE = Reply(0, Stop.NOT_AT_ALL, 0.1, 10, record(Tag.LOADED, "") + record(Tag.VALUE, "1"))


def _counts(batch: Batch) -> tuple[int, int]:
    return batch.size, batch.running


def test_every_frame_knows_its_batch() -> None:
    batches = [Batch([Job(program="import sys", calls=("1", "2"))]) for _ in range(2)]
    assert batches[0].number != batches[1].number
    for batch in batches:
        assert [frame.batch for frame in batch.waiting[0]] == [batch.number] * 2


def test_frames_are_counted_until_they_are_settled() -> None:
    batch = Batch([Job(program="import sys", calls=("1", "2"))])
    assert _counts(batch) == (2, 0)
    first, second = batch.take(0), batch.take(0)
    assert first is not None
    assert second is not None
    assert batch.take(0) is None
    assert _counts(batch) == (2, 2)
    batch.finish(second, VALUE)
    assert _counts(batch) == (1, 1)
    batch.finish(first, VALUE)
    assert _counts(batch) == (0, 0)
    assert [call.value for call in batch.outcomes()[0].calls] == ["1", "1"]


def test_calls_that_a_reply_leaves_open_wait_in_front() -> None:
    batch = Batch([Job(program="import sys", calls=("1", "2"), may_meet=True), Job(program="", calls=("3",))])
    frame = batch.take(0)
    assert frame is not None
    batch.finish(frame, VALUE)
    assert _counts(batch) == (2, 0)
    remaining = batch.take(0)
    assert remaining is not None
    assert (remaining.indices, remaining.batch) == ([1], batch.number)


def test_a_proof_waits_for_every_other_hash_seed() -> None:
    batch = Batch([Job(program="import sys\ndef f(x): return x", calls=("1",), determinism=True)])
    frame = batch.take(0)
    assert frame is not None
    batch.finish(frame, VALUE)
    assert [len(frames) for frames in batch.waiting.values()] == [0, *[1] * 7]
    for seed in range(1, 8):
        rerun = batch.take(seed)
        assert rerun is not None
        assert rerun.batch == batch.number
        batch.finish(rerun, VALUE)
    assert batch.size == 0


@pytest.mark.parametrize("losses", range(MAX_LOSSES + 1))
def test_a_frame_whose_worker_is_lost_waits_in_front_or_is_given_up(losses: int) -> None:
    batch = Batch([Job(program="", calls=("1",)), Job(program="", calls=("2",))])
    frame = batch.take(0)
    assert frame is not None
    frame.losses = losses
    batch.finish(frame, None)
    if losses < MAX_LOSSES:
        assert _counts(batch) == (2, 0)
        assert batch.take(0) is frame
    else:
        assert _counts(batch) == (1, 0)
        assert batch.outcomes()[0].status is Status.WORKER_LOST
