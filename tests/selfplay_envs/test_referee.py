"""The lock-step referee: batches, grouping by program, order, and errors of game authors."""

import pytest

from sandboxes import CallOutcome, Job, Outcome, ScriptedSandbox, Status
from selfplay_envs import GameError, JudgeItem, Message, Referee, Score, UsageError
from selfplay_envs.referee import run_grouped


class Recorder:
    """A sandbox that echoes each call, and remembers its batches."""

    name = "recorder"

    def __init__(self):
        self.batches = []

    def run(self, jobs):
        self.batches.append(list(jobs))
        return [Outcome.of([self.call(job, call) for call in job.calls]) for job in jobs]

    def call(self, job, call):
        return CallOutcome(status=Status.OK, value=f"{job.program}({call})")

    def close(self):
        pass


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


def item(text):
    return JudgeItem(messages=(Message("user", text),), answers=("x",))


def test_all_generators_advance_in_lock_step_one_batch_per_round():
    sandbox, judge = Recorder(), CountingJudge()
    job = Job(program="p", calls=("1",))
    generators = [stages([job], [item("ab")]), stages([item("abc"), job]), stages(), stages([job], [job], [item("a")])]
    answers = Referee(sandbox, judge).answer(generators)
    assert [len(batch) for batch in sandbox.batches] == [1, 1]  # equal programs are one job
    assert judge.batches == [1, 1, 1]
    assert answers[1].value[0][0].values == (3.0,)
    assert answers[1].value[0][1].calls[0].value == "p(1)"
    assert answers[2].value == []
    assert len(answers[3].results) == 3


def test_jobs_with_equal_programs_share_a_process_and_equal_calls_run_once():
    sandbox = Recorder()
    jobs = [Job(program="p", calls=("1", "2")), Job(program="q", calls=("1",)), Job(program="p", calls=("2", "3"))]
    outcomes = run_grouped(sandbox, jobs)
    assert [(j.program, j.calls) for j in sandbox.batches[0]] == [("p", ("1", "2", "3")), ("q", ("1",))]
    assert [[c.value for c in o.calls] for o in outcomes] == [["p(1)", "p(2)"], ["q(1)"], ["p(2)", "p(3)"]]


def test_programs_that_could_keep_something_share_nothing_but_equal_jobs():
    sandbox = Recorder()
    jobs = [Job(program="import p", calls=calls) for calls in (("1", "2"), ("2",), ("1", "2"))]
    outcomes = run_grouped(sandbox, jobs)
    assert [j.calls for j in sandbox.batches[0]] == [("1", "2"), ("2",)]
    both = ["import p(1)", "import p(2)"]
    assert [[c.value for c in o.calls] for o in outcomes] == [both, both[1:], both]


def test_large_groups_are_cut():
    sandbox = Recorder()
    outcomes = run_grouped(sandbox, [Job(program="p", calls=(str(number),)) for number in range(600)])
    assert [len(job.calls) for job in sandbox.batches[0]] == [256, 256, 88]
    assert [outcome.calls[0].value for outcome in outcomes] == [f"p({number})" for number in range(600)]


def test_different_limits_or_checks_are_different_jobs():
    sandbox = Recorder()
    run_grouped(sandbox, [Job(program="p", calls=("1",)), Job(program="p", calls=("1",), determinism=True)])
    assert len(sandbox.batches[0]) == 2


def test_the_answer_does_not_depend_on_the_rest_of_the_batch():
    job = Job(program="p", calls=("1",))
    alone = Referee(Recorder(), CountingJudge()).answer([stages([job])])
    among = Referee(Recorder(), CountingJudge()).answer([stages([item("z")]), stages([job]), stages([job], [job])])
    assert alone[0] == among[1]


def test_a_game_that_yields_nonsense_is_told_so():
    with pytest.raises(GameError, match="yield a list of Job and JudgeItem"):
        Referee(Recorder(), CountingJudge()).answer([stages("please")])


def test_handlers_are_opened_only_when_asked():
    referee = Referee("no-such-backend", "no-such-judge")
    assert referee.answer([stages()])[0].value == []
    assert referee.backend == {"sandbox": "no-such-backend", "judge": "no-such-judge"}
    with pytest.raises(UsageError, match="no-such-judge"):
        referee.answer([stages([item("a")])])
    with pytest.raises(ValueError, match="no-such-backend"):
        referee.answer([stages([Job(program="p", calls=("1",))])])


def test_the_scripted_sandbox_is_a_public_double():
    sandbox = ScriptedSandbox(lambda job: Outcome.of([CallOutcome(status=Status.OK, value="1") for _ in job.calls]))
    assert Referee(sandbox).answer([stages([Job(program="p", calls=("1",))])])[0].value[0][0].calls[0].value == "1"
