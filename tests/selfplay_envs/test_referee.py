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


def item(text, judge=""):
    return JudgeItem(messages=(Message("user", text),), answers=("x",), judge=judge)


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


def test_jobs_whose_calls_may_meet_share_nothing_with_others():
    sandbox = Recorder()
    jobs = [Job(program="import p", calls=calls, may_meet=True) for calls in (("1", "2"), ("2",), ("1", "2"))]
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
    referee = Referee(Recorder(), own, {"second": second, "never": CountingJudge()})
    generators = [stages([item("a"), item("bc", "second"), item("def")]), stages([item("ghij", "second")], [item("k")])]
    first, other = referee.answer(generators)
    assert [score.values[0] for score in first.results] == [1.0, 2.0, 3.0]
    assert [score.values[0] for score in other.results] == [4.0, 1.0]
    assert (own.batches, second.batches) == ([2, 1], [2])


def test_the_backend_names_a_further_judge_once_it_was_asked():
    referee = Referee(Recorder(), CountingJudge(), {"second": CountingJudge()})
    plain = {"sandbox": "recorder", "judge": "CountingJudge"}
    referee.answer([stages([item("a")])])
    referee.check_judges(["second", "rules"])
    assert referee.backend == plain
    referee.answer([stages([item("include the word x", "rules"), item("a", "second")])])
    assert referee.backend == {**plain, "judge:rules": "rules", "judge:second": "CountingJudge"}
    assert list(referee.backend)[2:] == ["judge:rules", "judge:second"]


def test_a_bound_judge_can_be_the_environments_own_too():
    judge = CountingJudge()
    referee = Referee(Recorder(), "self", {"self": judge})
    assert referee.judge is judge
    assert referee.judge_named("self") is judge


def test_judges_that_nobody_bound_or_that_miscount_are_told_so():
    referee = Referee(Recorder(), CountingJudge())
    for name in ("self", "oracle"):
        with pytest.raises(UsageError, match=f"judge='{name}'"):
            referee.answer([stages([item("a", name)])])
        with pytest.raises(UsageError, match=f"judge='{name}'"):
            referee.check_judges([name])
    assert referee.backend == {"sandbox": "recorder", "judge": "CountingJudge"}

    class Forgetful:
        def score(self, items):
            return []

    with pytest.raises(UsageError, match="the judge second gave 0 scores for 1 items"):
        Referee(Recorder(), CountingJudge(), {"second": Forgetful()}).answer([stages([item("a", "second")])])
