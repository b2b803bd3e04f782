"""Calls whose arguments are long, or no literals, reach the program as every other does."""

import random

from sandboxes import Limits
from selfplay_envs.verifiers.reference.calls import argument_list, calling_jobs

LIMITS = Limits(wall_s=20, output_bytes=1 << 20)
TELL = "def tell(*args, **named):\n    return [str(args), sorted(named)]"


def told(sandbox, calls):
    outcomes = sandbox.run(calling_jobs(TELL, "tell", calls, LIMITS))
    return [call.value for outcome in outcomes for call in outcome.calls]


def test_texts_of_arguments():
    assert argument_list([[1, 2], (3,), {4}, 1 + 2j, "a"]) == "[1, 2], (3,), {4}, (1+2j), 'a'"
    assert argument_list("[1,2],  key = 'a'") == "[1, 2], key='a'"
    assert argument_list([float("nan"), 1]) == "*[], nan, 1"
    assert argument_list("float('nan')") == "*[], float('nan')"


def test_every_call_arrives_in_order(sandbox):
    long = list(range(20_000))
    calls = [argument_list(arguments) for arguments in ([1], [(2, "é")], [long], [float("nan"), -float("inf")], [3])]
    calls.append(argument_list("max(1, 2), key=3"))
    jobs = calling_jobs(TELL, "tell", calls, LIMITS)
    assert [len(job.calls) for job in jobs] == [2, 1, 1, 1, 1]
    assert max(len(job.program) for job in jobs) < 64_000 < len(calls[2])
    assert told(sandbox, calls) == [
        "['(1,)', []]",
        "[\"((2, 'é'),)\", []]",
        repr([str((long,)), []]),
        "['(nan, -inf)', []]",
        "['(3,)', []]",
        "['(2,)', ['key']]",
    ]


def test_arguments_that_no_job_holds_are_refused(sandbox):
    noise = str(random.Random(0).randbytes(60_000))
    [outcome] = sandbox.run(calling_jobs(TELL, "tell", [noise], LIMITS))
    assert outcome.status == "forbidden"
