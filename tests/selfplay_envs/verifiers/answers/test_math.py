"""The verifier `math`: where the answer stands, and what it hands on."""

import pytest

from sandboxes import CallOutcome, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

PLACES = {
    r"so \boxed{x} and \boxed{\frac{1}{2}}, Answer: 3": r"\frac{1}{2}",
    "**Answer:** $x+1$": "$x+1$",
    "Final Answer: The final answer is $x$. I hope it is correct.": "$x$",
    "it is 5": "no_boxed_answer",
    r"\boxed{5": "no_boxed_answer",
}


@pytest.mark.parametrize(("reply", "answer"), PLACES.items())
def test_where_the_answer_stands(reply, answer):
    extraction = find_answer_verifier("math").extract(read_reply(reply))
    assert (extraction.fault or extraction.answer) == answer


def test_options_and_a_problems_own_tolerance_reach_the_sandbox():
    sandbox = ScriptedSandbox(lambda job: Outcome.of([CallOutcome(status=Status.OK, value="'right'")] * len(job.calls)))
    judge = find_answer_verifier("math:strict=0,abs_tol=0.5,rel_tol=0.1")
    problems = [Problem(fields={"question": "?"}, answer="x", data=data) for data in ({}, {"tolerance": 2})]
    answers = Referee(sandbox, strict=True).answer([judge.check(problem, "y") for problem in problems])
    assert [one.value for one in answers] == ["right", "right"]
    [job] = sandbox.jobs
    assert job.calls == ("False, 0.5, 0.1, 'x', 'y'", "False, 2.0, 0.1, 'x', 'y'")
    assert job.packages == judge.packages == ("math-verify",)
