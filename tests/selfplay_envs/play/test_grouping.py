"""Jobs of equal programs run as one."""

from sandboxes import Job
from selfplay_envs.play.grouping import run_grouped
from tests.helpers.games import RecordingSandbox


def test_jobs_with_equal_programs_share_a_process_and_equal_calls_run_once():
    sandbox = RecordingSandbox()
    jobs = [Job(program="p", calls=("1", "2")), Job(program="q", calls=("1",)), Job(program="p", calls=("2", "3"))]
    outcomes = run_grouped(sandbox, jobs)
    assert [(j.program, j.calls) for j in sandbox.batches[0]] == [("p", ("1", "2", "3")), ("q", ("1",))]
    assert [[c.value for c in o.calls] for o in outcomes] == [["p(1)", "p(2)"], ["q(1)"], ["p(2)", "p(3)"]]


def test_jobs_whose_calls_may_meet_share_nothing_with_others():
    sandbox = RecordingSandbox()
    jobs = [Job(program="import p", calls=calls, may_meet=True) for calls in (("1", "2"), ("2",), ("1", "2"))]
    outcomes = run_grouped(sandbox, jobs)
    assert [j.calls for j in sandbox.batches[0]] == [("1", "2"), ("2",)]
    both = ["import p(1)", "import p(2)"]
    assert [[c.value for c in o.calls] for o in outcomes] == [both, both[1:], both]


def test_large_groups_are_cut():
    sandbox = RecordingSandbox()
    outcomes = run_grouped(sandbox, [Job(program="p", calls=(str(number),)) for number in range(600)])
    assert [len(job.calls) for job in sandbox.batches[0]] == [256, 256, 88]
    assert [outcome.calls[0].value for outcome in outcomes] == [f"p({number})" for number in range(600)]


def test_different_limits_or_checks_are_different_jobs():
    sandbox = RecordingSandbox()
    run_grouped(sandbox, [Job(program="p", calls=("1",)), Job(program="p", calls=("1",), determinism=True)])
    assert len(sandbox.batches[0]) == 2
