from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from agents.config.sampling import Sampling
from agents.rollouts.collector import Collector
from agents.rollouts.lanes import Gate, Lane, RunningLanes
from agents.samplers.scripted import ScriptedSampler
from sandboxes import CodeSandbox
from selfplay_envs import Episode, Referee, Start, UsageError
from selfplay_envs.core.judging import JudgeItem, Score
from selfplay_envs.core.messages import Message
from tests.helpers.toys import GAME
from tests.helpers.waiting import PATIENCE_S

STARTS = [Start(GAME, seed, {"attempts": 3}) for seed in range(7)]


def in_lane(referee: Referee, gate: Gate) -> Referee:
    """The referee as the collector hands it to a lane."""
    return referee.in_threads(model_lock=gate.alone, clock=lambda: gate.clock("verify_s"))


class Slow(ScriptedSampler):
    """Says what (prompt, seed) demand, after a pause that a clock decides about; records who spoke at once."""

    def __init__(self, pauses: Sequence[float]) -> None:
        super().__init__(lambda prompt, seed: "ab"[seed % 2] * (seed % 5 + 1))
        self.calls: list[tuple[str, int]] = []
        self._pauses = iter(pauses)
        self._inside = 0

    def generate(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
        self._inside += 1
        assert self._inside == 1, "two lanes speak at once"
        self.calls.append((threading.current_thread().name, len(prompts)))
        time.sleep(next(self._pauses))
        replies = super().generate(prompts, sampling, seeds)
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
    together = threading.Barrier(2, timeout=PATIENCE_S)
    gate = Gate()

    def judged():  # type: ignore[no-untyped-def]
        together.wait()
        return "judged"
        yield []

    def verify(lane: Lane) -> str:
        return in_lane(Referee("process"), gate).answer([judged()])[0].value

    def speak(lane: Lane) -> str:
        with gate.sampling:
            together.wait()
        return "spoken"

    assert RunningLanes([verify, speak], 2).wait() == ["judged", "spoken"]
    assert gate.seconds["verify_s"] > 0


def test_lanes_speak_side_by_side_where_every_voice_has_workers() -> None:
    together = threading.Barrier(2, timeout=PATIENCE_S)

    class Pair(ScriptedSampler):
        workers = 2

        def generate(self, prompts, sampling, seeds):  # type: ignore[no-untyped-def]
            together.wait()  # nobody comes past it alone
            return super().generate(prompts, sampling, seeds)

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
        inside.wait(PATIENCE_S)
        with gate.alone():
            order.append("alone")

    def speak(lane: Lane) -> None:
        with gate.sampling:
            inside.set()
            leave.wait(PATIENCE_S)
            order.append("spoke")

    running = RunningLanes([alone, alone, speak], 3)
    inside.wait(PATIENCE_S)
    leave.set()
    running.wait()
    assert order == ["spoke", "alone", "alone"]
    assert [gate.sampling.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_seconds_in_which_two_lanes_are_inside_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 17.0, 20.0, 21.5])
    monkeypatch.setattr("agents.rollouts.lanes.time.perf_counter", lambda: next(now))
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

    running = RunningLanes([fail, go_on], 2)
    with pytest.raises(KeyError, match="the cause") as raised:
        running.wait()
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
        self.locked.append(not self.gate.sampling.acquire(blocking=False))
        return [Score(values=(1.0,)) for _ in items]


def test_a_judge_waits_at_the_gate_unless_it_says_that_it_needs_not() -> None:
    gate = Gate()
    judge = _Scores(gate)

    def requests():  # type: ignore[no-untyped-def]
        yield [JudgeItem(messages=(Message("user", "hello"),), answers=("hi",))]

    in_lane(Referee("process", judge), gate).answer([requests()])
    judge.concurrent = True  # type: ignore[attr-defined]
    in_lane(Referee("process", judge), gate).answer([requests()])
    assert judge.locked == [True, False]
    Referee("process", judge).answer([requests()])  # outside of lanes there is no gate
    assert judge.locked == [True, False, True]  # the place that the second one took


def test_judges_bound_to_the_run_wait_at_the_same_gate_and_are_named() -> None:
    gate = Gate()
    judge, free = _Scores(gate), _Scores(gate)
    free.concurrent = True  # type: ignore[attr-defined]
    run = Referee("process", judges={"self": judge, "free": free})
    lane = in_lane(run, gate)
    lane.judges.open_all(["self", "free"])
    assert "judge:self" not in lane.backend

    def requests():  # type: ignore[no-untyped-def]
        items = [JudgeItem(messages=(Message("user", "hi"),), answers=("x",), judge=name) for name in ("self", "free", "self")]
        return (yield items)

    [answered] = lane.answer([requests()])
    assert [score.values for score in answered.value] == [(1.0,)] * 3
    assert (judge.locked, free.locked) == ([True], [False])
    assert (
        lane.backend
        == run.backend
        == {"sandbox": "process", "judge": "rules", "judge:free": "_Scores", "judge:self": "_Scores"}
    )
    with pytest.raises(UsageError, match="judge='oracle'"):
        lane.judges.open_all(["oracle"])


def test_handlers_are_opened_once_and_named() -> None:
    gate, referee = Gate(), Referee("process")
    lanes = [in_lane(referee, gate) for _ in range(2)]
    assert lanes[0].backend == {"sandbox": "process", "judge": "rules"}
    sandboxes: list[CodeSandbox] = [*(lane.sandbox for lane in lanes), referee.sandbox]
    assert all(sandbox is sandboxes[0] for sandbox in sandboxes)
    assert lanes[0].judges[""] is lanes[1].judges[""] is referee.judges["rules"]
    assert lanes[0].faults is referee.faults
