from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch
from transformers import PreTrainedModel

from agents.hardware import trials
from agents.hardware.trials import TURN_S, TURNS, Shapes, compare
from agents.models.loading import load_model


class Machine:
    """A clock that only work moves on, by so many seconds; the other processes of the machine slow some of it."""

    def __init__(self, slow: Callable[[int], float] = lambda call: 0.0) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        self._slow = slow

    def work(self, name: str, seconds: float) -> Callable[[], None]:
        def one() -> None:
            self.now += seconds + self._slow(len(self.calls))
            self.calls.append(name)

        return one

    def clock(self) -> float:
        return self.now


def test_a_ratio_is_that_of_the_least_seconds() -> None:
    machine = Machine()
    assert compare(machine.work("plain", 3.0), machine.work("short", 2.0), machine.clock) == pytest.approx(1.5)
    # one of each, one that says how many calls fill a turn, and then in turns
    assert machine.calls == ["plain", "short", "plain", *["plain", "short"] * TURNS]


def test_short_work_is_repeated_until_a_clock_can_see_it() -> None:
    machine = Machine()
    assert compare(machine.work("plain", TURN_S / 4), machine.work("short", TURN_S / 8), machine.clock) == pytest.approx(2.0)
    assert machine.calls[3:] == [*["plain"] * 4, *["short"] * 4] * TURNS


@pytest.mark.parametrize("seed", range(5))
def test_a_busy_machine_changes_no_ratio_as_long_as_one_turn_of_each_is_undisturbed(seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    disturbed = torch.rand(3 + 2 * TURNS, generator=rng) * 50
    disturbed[3 + 2 * int(torch.randint(TURNS, (), generator=rng))] = 0  # a turn of the plain way
    disturbed[4 + 2 * int(torch.randint(TURNS, (), generator=rng))] = 0
    machine = Machine(lambda call: float(disturbed[call]))
    assert compare(machine.work("plain", 1.0), machine.work("short", 2.0), machine.clock) == pytest.approx(0.5)


def test_what_others_compute_is_not_counted() -> None:
    def idle() -> None:  # waiting takes none of this thread's processor seconds
        time.sleep(0.002)

    def busy() -> None:
        started = time.thread_time()
        while time.thread_time() - started < 0.002:
            pass

    assert compare(busy, idle) > 5


def test_the_shapes_of_a_model() -> None:
    model, _ = load_model("tiny", device="cpu", short_cuts="none")
    assert Shapes.of(model) == Shapes(width=128, inner=384, heads=4, head_width=32, words=448, weights=910_464)
    assert Shapes.of(model).rows(64) == 64
    large = Shapes(width=4_096, inner=14_336, heads=32, head_width=128, words=128_256, weights=8_000_000_000)
    assert large.rows(1_024) == (1 << 31) // (4_096 * 14_336) == 36


def test_every_trial_runs_and_changes_neither_threads_nor_the_model(model: PreTrainedModel) -> None:
    shapes = Shapes(width=128, inner=256, heads=2, head_width=16, words=16_384, weights=1)  # large enough for all of them
    before = {name: p.clone() for name, p in model.named_parameters()}
    ratios = [
        trials.try_onednn(shapes),
        trials.try_blocks(shapes),
        trials.try_attention(shapes),
        trials.try_tables(shapes),
        trials.try_threads(shapes, 2),
        trials.try_workers(model, 2),
    ]
    assert all(0 < ratio < float("inf") for ratio in ratios)
    assert torch.get_num_threads() == 1
    assert all(torch.equal(p, before[name]) and p.grad is None for name, p in model.named_parameters())


def test_what_cannot_apply_is_not_tried() -> None:
    small = Shapes(width=8, inner=8, heads=1, head_width=8, words=100, weights=1)
    assert trials.try_onednn(small) == trials.try_blocks(small) == trials.try_tables(small) == 1.0


def test_learning_and_speaking_count_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that learns 1.6 times as fast and decodes 0.9 times as fast gains; one that loses as much does not."""
    shapes = Shapes(width=128, inner=256, heads=2, head_width=16, words=16_384, weights=1)
    for learns, decodes, gain in ((1.6, 0.9, 1.2), (1.2, 0.75, 0.9487)):
        gains = iter((learns, decodes))
        monkeypatch.setattr(trials, "compare", lambda *ways, gains=gains: next(gains))
        assert trials.try_onednn(shapes) == pytest.approx(gain, abs=1e-4)
    narrow = Shapes(width=32, inner=64, heads=2, head_width=16, words=64, weights=1)  # 64 replies of it are too few numbers
    monkeypatch.setattr(trials, "compare", lambda *ways: 1.6)
    assert trials.try_onednn(narrow) == pytest.approx(1.6)
