from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from agents.collect import Collector
from agents.lanes import Flight, Gate, Lane, LaneReferee
from agents.sampler import ScriptedSampler
from agents.sampling import Sampling
from sandboxes import CodeSandbox
from selfplay_envs import Episode, Referee, Start, UsageError
from selfplay_envs.game import JudgeItem, Message, Score
from tests.agents.toys import GAME

STARTS = [Start(GAME, seed, {"attempts": 3}) for seed in range(7)]


class Slow(ScriptedSampler):
    """Says what (prompt, seed) demand, after a pause that a clock decides about; records who spoke at once."""

    def __init__(self, pauses: Sequence[float]) -> None:
        super().__init__(lambda prompt, seed: "ab"[seed % 2] * (seed % 5 + 1))
        self.calls: list[tuple[str, int]] = []
        self._pauses = iter(pauses)
        self._inside = 0

    def act(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
        self._inside += 1
        assert self._inside == 1, "two lanes speak at once"
        self.calls.append((threading.current_thread().name, len(prompts)))
        time.sleep(next(self._pauses))
        replies = super().act(prompts, sampling, seeds)
        self._inside -= 1
        return replies


def collect(sampler: ScriptedSampler, lanes: int) -> list[Episode]:
    return Collector(sampler, Referee("process"), Sampling(), lanes=lanes).collect(STARTS, (0, "train", 1))


def test_episodes_keep_their_places_and_seeds_whatever_the_lanes_and_their_timing() -> None:
    whole = collect(Slow([0] * 2), 1)
    for pauses in ([0.03, 0, 0, 0, 0, 0], [0, 0.03, 0, 0.03, 0, 0], [0, 0, 0.03, 0, 0, 0.03]):
        assert collect(Slow(pauses), 3) == whole
    assert [episode.seed for episode in whole] == list(range(7))


def test_a_lane_is_a_batch_of_its_own() -> None:
    sampler = Slow([0] * 4)
    collect(sampler, 2)
    assert sorted(sampler.calls) == [("lane-0", 4), ("lane-0", 12), ("lane-1", 3), ("lane-1", 9)]


def test_one_lane_verifies_while_the_other_speaks() -> None:
    together = threading.Barrier(2, timeout=10)
    gate = Gate()

    def judged():  # type: ignore[no-untyped-def]
        together.wait()
        return "judged"
        yield []

    def verify(lane: Lane) -> str:
        return LaneReferee(Referee("process"), gate).answer([judged()])[0].value

    def speak(lane: Lane) -> str:
        with gate.speaking:
            together.wait()
        return "spoken"

    assert Flight([verify, speak], 2).wait() == ["judged", "spoken"]
    assert gate.seconds["verify_s"] > 0


def test_lanes_speak_side_by_side_where_every_voice_has_workers() -> None:
    together = threading.Barrier(2, timeout=10)

    class Pair(ScriptedSampler):
        workers = 2

        def act(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
            together.wait()  # nobody comes past it alone
            return super().act(prompts, sampling, seeds)

    def said(prompt: object, seed: int) -> str:
        return "ab"[seed % 2]

    whole = collect(ScriptedSampler(said), 1)  # type: ignore[arg-type]
    assert collect(Pair(said), 2) == whole  # type: ignore[arg-type]
    mixed = Collector(Pair(said), Referee("process"), Sampling(), by_role={"solver": ScriptedSampler(said)}, lanes=2)  # type: ignore[arg-type]
    assert mixed.gate.places == 1


def test_who_is_alone_at_the_gate_has_all_its_places() -> None:
    gate, order = Gate(2), list[str]()
    inside, leave = threading.Event(), threading.Event()

    def alone(lane: Lane) -> None:
        inside.wait(10)
        with gate.alone():
            order.append("alone")

    def speak(lane: Lane) -> None:
        with gate.speaking:
            inside.set()
            leave.wait(10)
            order.append("spoke")

    flight = Flight([alone, alone, speak], 3)
    inside.wait(10)
    leave.set()
    flight.wait()
    assert order == ["spoke", "alone", "alone"]
    assert [gate.speaking.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_seconds_in_which_two_lanes_are_inside_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 17.0, 20.0, 21.5])
    monkeypatch.setattr("agents.lanes.time.perf_counter", lambda: next(now))
    gate = Gate(2)
    with gate.clock("generate_s"), gate.clock("generate_s"):  # 10 to 17
        pass
    with gate.clock("generate_s"):  # 20 to 21.5
        pass
    assert gate.seconds == {"generate_s": 8.5, "verify_s": 0.0}


def test_progress_is_told_in_the_thread_that_waits() -> None:
    told: list[tuple[int, int, str]] = []

    def on_round(finished: int, total: int) -> None:
        told.append((finished, total, threading.current_thread().name))

    collector = Collector(Slow([0] * 4), Referee("process"), Sampling(), lanes=2)
    collector.begin(STARTS, (0,)).wait(on_round)
    assert told[-1] == (7, 7, threading.current_thread().name)
    assert {total for _, total, _ in told} == {7}
    assert len(told) == 4


def test_a_failing_lane_stops_the_other_and_is_raised_whole() -> None:
    started = threading.Event()
    rounds: list[int] = []

    def fail(lane: Lane) -> None:
        started.wait()
        raise KeyError("the cause")

    def go_on(lane: Lane) -> None:
        while True:
            lane.report(len(rounds))
            rounds.append(1)
            started.set()
            time.sleep(0.001)

    flight = Flight([fail, go_on], 2)
    with pytest.raises(KeyError, match="the cause") as raised:
        flight.wait()
    assert raised.traceback[-1].name == "fail"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane-")]


def test_a_listener_that_raises_ends_the_lanes() -> None:
    def on_round(finished: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        Collector(Slow([0] * 4), Referee("process"), Sampling(), lanes=2).collect(STARTS, (0,), on_round)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane-")]


def test_fewer_starts_than_lanes_and_none() -> None:
    assert len(Collector(Slow([0] * 2), Referee("process"), Sampling(), lanes=3).collect(STARTS[:1], (0,))) == 1
    assert Collector(Slow([]), Referee("process"), Sampling(), lanes=3).collect([], (0,)) == []
    with pytest.raises(ValueError, match="lanes=0"):
        Collector(Slow([]), Referee("process"), Sampling(), lanes=0)


class _Scores:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.locked: list[bool] = []

    def score(self, items: list[JudgeItem]) -> list[Score]:
        self.locked.append(not self.gate.speaking.acquire(blocking=False))
        return [Score(values=(1.0,)) for _ in items]


def test_a_judge_waits_at_the_gate_unless_it_says_that_it_needs_not() -> None:
    gate = Gate()
    judge = _Scores(gate)
    item = JudgeItem(messages=(Message("user", "hello"),), answers=("hi",))
    LaneReferee(Referee("process", judge), gate).judge.score([item])
    judge.concurrent = True  # type: ignore[attr-defined]
    LaneReferee(Referee("process", judge), gate).judge.score([item])
    assert judge.locked == [True, False]


def test_judges_bound_to_the_run_wait_at_the_same_gate_and_are_named() -> None:
    gate = Gate()
    judge, free = _Scores(gate), _Scores(gate)
    free.concurrent = True  # type: ignore[attr-defined]
    run = Referee("process", judges={"self": judge, "free": free})
    lane = LaneReferee(run, gate)
    lane.check_judges(["self", "free"])
    assert "judge:self" not in lane.backend

    def asks():  # type: ignore[no-untyped-def]
        items = [JudgeItem(messages=(Message("user", "hi"),), answers=("x",), judge=name) for name in ("self", "free", "self")]
        return (yield items)

    [answered] = lane.answer([asks()])
    assert [score.values for score in answered.value] == [(1.0,)] * 3
    assert (judge.locked, free.locked) == ([True], [False])
    assert (
        lane.backend
        == run.backend
        == {"sandbox": "process", "judge": "rules", "judge:free": "_Scores", "judge:self": "_Scores"}
    )
    with pytest.raises(UsageError, match="judge='oracle'"):
        lane.check_judges(["oracle"])


def test_handlers_are_opened_once_and_named() -> None:
    gate, referee = Gate(), Referee("process")
    seen: list[CodeSandbox] = []
    lane = LaneReferee(referee, gate)
    assert lane.backend == {"sandbox": "process", "judge": "rules"}
    seen += [lane.sandbox, LaneReferee(referee, gate).sandbox, referee.sandbox]
    assert len({id(one) for one in seen}) == 1
