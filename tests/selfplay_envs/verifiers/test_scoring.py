"""Whose fault it is when a scorer does not answer, and that a batch of checks is one job."""

import pytest

from sandboxes import CallOutcome, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee
from selfplay_envs.verifiers.scoring import score

GOOD = "[7]"


def run(statuses):
    """The result of scoring the answer `A` whose gold answer is `G`, where each has the status."""
    sandbox = ScriptedSandbox(answer_with(statuses))
    [answered] = Referee(sandbox, strict=True).answer([score("math_verdict", (1,), "A", "G", ("math-verify",))])
    return answered.value, [call for job in sandbox.jobs for call in job.calls]


def answer_with(statuses):
    def answer(job):
        status = [statuses[call.split("'")[1]] for call in job.calls]
        return Outcome.of([CallOutcome(status=one, value=GOOD if one is Status.OK else None) for one in status])

    return answer


def test_a_value_comes_back():
    assert run({"A": Status.OK}) == (([7], ""), ["1, 'A'"])


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (Status.TIMEOUT, "answer_timeout"),
        (Status.IDLE, "answer_timeout"),
        (Status.MEMORY, "answer_too_large"),
        (Status.FORBIDDEN, "answer_too_long"),
        (Status.EXCEPTION, "answer_crashed"),
        (Status.SYNTAX_ERROR, "answer_crashed"),
    ],
)
def test_the_answer_is_to_blame_where_the_gold_answer_is_judged(status, fault):
    assert run({"A": status, "G": Status.OK}) == ((None, fault), ["1, 'A'", "1, 'G'"])
    for same in (status, Status.WORKER_LOST):
        assert run({"A": status, "G": same})[0] == (None, "worker_lost")


def test_a_lost_worker_is_nobodys_fault():
    assert run({"A": Status.WORKER_LOST}) == ((None, "worker_lost"), ["1, 'A'"])


def test_all_checks_of_a_batch_are_one_job():
    sandbox = ScriptedSandbox(answer_with({"A": Status.OK, "B": Status.OK}))
    checks = [score("math_verdict", (1,), text, "G", ("math-verify",)) for text in ("A", "B", "A")]
    assert [answered.value for answered in Referee(sandbox, strict=True).answer(checks)] == [([7], "")] * 3
    assert [job.calls for job in sandbox.jobs] == [("1, 'A'", "1, 'B'")]
