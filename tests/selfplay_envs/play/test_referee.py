"""The lock-step referee: batches, grouping by program, order, and errors of game authors."""

import threading
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from sandboxes import CallOutcome, Job, Outcome, ScriptedSandbox, Status
from selfplay_envs import IDENTITY, GameError, JudgeItem, Message, Referee, Score, UsageError, make_game
from selfplay_envs.replies.parsing import fence
from tests.helpers.games import RecordingSandbox


class CountingJudge:
    def __init__(self):
        self.batches = []

    def score(self, items):
        self.batches.append(len(items))
        return [Score(values=(float(len(item.messages[0].content)),)) for item in items]


def stages(*rounds):
    """A generator that yields each round's requests and returns all replies."""
    seen = []
    for requests in rounds:
        seen.append((yield requests))
    return seen


def item(text, judge=""):
    return JudgeItem(messages=(Message("user", text),), answers=("x",), judge=judge)


def test_all_generators_advance_in_lock_step_one_batch_per_round():
    sandbox, judge = RecordingSandbox(), CountingJudge()
    job = Job(program="p", calls=("1",))
    generators = [stages([job], [item("ab")]), stages([item("abc"), job]), stages(), stages([job], [job], [item("a")])]
    answers = Referee(sandbox, judge).answer(generators)
    assert [len(batch) for batch in sandbox.batches] == [1, 1]  # equal programs are one job
    assert judge.batches == [1, 1, 1]
    assert answers[1].value[0][0].values == (3.0,)
    assert answers[1].value[0][1].calls[0].value == "p(1)"
    assert answers[2].value == []
    assert len(answers[3].results) == 3


def test_the_answer_does_not_depend_on_the_rest_of_the_batch():
    job = Job(program="p", calls=("1",))
    alone = Referee(RecordingSandbox(), CountingJudge()).answer([stages([job])])
    among = Referee(RecordingSandbox(), CountingJudge()).answer([stages([item("z")]), stages([job]), stages([job], [job])])
    assert alone[0] == among[1]


def test_a_game_that_yields_nonsense_is_told_so():
    with pytest.raises(GameError, match="yield a list of Job and JudgeItem"):
        Referee(RecordingSandbox(), CountingJudge()).answer([stages("please")])


def test_handlers_are_opened_only_when_asked():
    referee = Referee("no-such-backend", "self")
    assert referee.answer([stages()])[0].value == []
    assert referee.backend == {"sandbox": "no-such-backend", "judge": "self"}
    with pytest.raises(UsageError, match="judge='self'"):
        referee.answer([stages([item("a")])])
    with pytest.raises(ValueError, match="no-such-backend"):
        referee.answer([stages([Job(program="p", calls=("1",))])])


def test_the_scripted_sandbox_is_a_public_double():
    sandbox = ScriptedSandbox(lambda job: Outcome.of([CallOutcome(status=Status.OK, value="1") for _ in job.calls]))
    assert Referee(sandbox).answer([stages([Job(program="p", calls=("1",))])])[0].value[0][0].calls[0].value == "1"


def test_one_batch_per_judge_and_round_in_the_order_of_the_requests():
    own, second = CountingJudge(), CountingJudge()
    referee = Referee(RecordingSandbox(), own, {"second": second, "never": CountingJudge()})
    generators = [stages([item("a"), item("bc", "second"), item("def")]), stages([item("ghij", "second")], [item("k")])]
    first, other = referee.answer(generators)
    assert [score.values[0] for score in first.results] == [1.0, 2.0, 3.0]
    assert [score.values[0] for score in other.results] == [4.0, 1.0]
    assert (own.batches, second.batches) == ([2, 1], [2])


def test_the_backend_names_a_further_judge_once_it_was_asked():
    referee = Referee(RecordingSandbox(), CountingJudge(), {"second": CountingJudge()})
    plain = {"sandbox": "recorder", "judge": "CountingJudge"}
    referee.answer([stages([item("a")])])
    referee.judges.open_all(["second", "rules"])
    assert referee.backend == plain
    referee.answer([stages([item("include the word x", "rules"), item("a", "second")])])
    assert referee.backend == {**plain, "judge:rules": "rules", "judge:second": "CountingJudge"}
    assert list(referee.backend)[2:] == ["judge:rules", "judge:second"]


def test_a_bound_judge_can_be_the_environments_own_too():
    judge = CountingJudge()
    referee = Referee(RecordingSandbox(), "self", {"self": judge})
    assert referee.judges[""] is judge
    assert referee.judges["self"] is judge


def test_judges_that_nobody_bound_or_that_miscount_are_told_so():
    referee = Referee(RecordingSandbox(), CountingJudge())
    for name in ("self", "oracle"):
        with pytest.raises(UsageError, match=f"judge='{name}'"):
            referee.answer([stages([item("a", name)])])
        with pytest.raises(UsageError, match=f"judge='{name}'"):
            referee.judges.open_all([name])
    assert referee.backend == {"sandbox": "recorder", "judge": "CountingJudge"}

    class Forgetful:
        def score(self, items):
            return []

    with pytest.raises(UsageError, match="the judge second gave 0 scores for 1 items"):
        Referee(RecordingSandbox(), CountingJudge(), {"second": Forgetful()}).answer([stages([item("a", "second")])])


def test_threads_that_share_a_model_share_handlers_faults_and_what_was_used():
    inside = []

    @contextmanager
    def block(name):
        inside.append(name)
        yield
        inside.remove(name)

    class Seeing(CountingJudge):
        def score(self, items):
            seen.append(list(inside))
            return super().score(items)

    seen: list[list[str]] = []
    free = Seeing()
    free.concurrent = True  # type: ignore[attr-defined]
    run = Referee(RecordingSandbox(), Seeing(), {"free": free})
    lane = run.in_threads(model_lock=lambda: block("model"), clock=lambda: block("clock"))
    lane.answer([stages([item("a"), item("a", "free")])])
    run.answer([stages([item("a")])])
    assert seen == [["clock", "model"], ["clock"], []]
    assert run.backend == lane.backend == {"sandbox": "recorder", "judge": "Seeing", "judge:free": "Seeing"}
    assert (lane.sandbox, lane.faults, lane.judges) == (run.sandbox, run.faults, run.judges)


def test_a_sandbox_is_opened_once_whoever_opens_it(monkeypatch):
    opened = []
    monkeypatch.setattr("selfplay_envs.play.referee.open_sandbox", lambda text: opened.append(text) or RecordingSandbox())
    run = Referee("process")
    lane = run.in_threads(model_lock=nullcontext, clock=nullcontext)
    threads = [threading.Thread(target=lambda referee=referee: referee.sandbox) for referee in (run, lane) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["process"]
    assert run.sandbox is lane.sandbox


def test_whatever_judge_and_settle_may_return_is_answered():
    poker = make_game("SelfPlay/KuhnPoker-v0")
    poker.reset(np.random.default_rng(0), {})
    deduction = make_game("SelfPlay/Deduction-v0", attempts=1)
    deduction.reset(np.random.default_rng(0), {"task": IDENTITY.to_json()})
    referee = Referee(RecordingSandbox(), CountingJudge())
    [bet, cut_off] = referee.answer(
        [
            poker.judge(poker.pending()[0], fence("action", "bet"), "stop"),
            deduction.judge(deduction.pending()[0], "<think>so far", "length"),
        ]
    )
    assert (bet.value.valid, bet.value.data) == (True, {"action": "bet"})
    assert (cut_off.value.void, cut_off.value.reason) == (False, "thought_cut_off")
    ends = referee.answer([poker.settle(), deduction.settle(), None], str)
    assert [(end.value, end.results) for end in ends] == [(None, ())] * 3


def test_another_judge_may_take_the_place_of_the_own_one_while_everything_else_is_shared():
    second, own, other = CountingJudge(), CountingJudge(), CountingJudge()
    referee = Referee(RecordingSandbox(), own, {"second": second})
    twin = referee.judged_by(other)
    twin.answer([stages([item("a"), item("b", "second")])])
    assert (own.batches, other.batches, second.batches) == ([], [1], [1])
    assert (twin.sandbox, twin.faults, twin.reserved) == (referee.sandbox, referee.faults, referee.reserved)
    assert (referee.judges[""], twin.judges[""], twin.judges["second"]) == (own, other, second)
    assert referee.backend == {"sandbox": "recorder", "judge": "CountingJudge"}
    assert referee.judged_by("criteria").backend["judge"] == "criteria"
    with pytest.raises(UsageError, match="judge='ruls' is not known"):
        referee.judged_by("ruls")
