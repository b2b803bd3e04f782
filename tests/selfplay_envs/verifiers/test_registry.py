"""Verifiers by name."""

import pytest

from selfplay_envs import CodeTask, Referee, UsageError, check_unit_tests
from selfplay_envs.verifiers.code_tasks import check_output
from selfplay_envs.verifiers.registry import VERIFIERS, find_verifier
from selfplay_envs.verifiers.stdio import check_stdio


def test_verifiers_have_names():
    assert find_verifier("deduction") is check_output
    assert (find_verifier("unit-tests"), find_verifier("stdio")) == (check_unit_tests, check_stdio)
    assert {"deduction", "abduction", "induction", "unit-tests", "stdio"} <= set(VERIFIERS.names())
    assert all(callable(find_verifier(name)) for name in VERIFIERS.table)
    task = CodeTask(program="def f(x):\n    return x", inputs=("1",), outputs=("1",))
    answers = [find_verifier(text)(task, "True") for text in ("deduction", "deduction:strict=1")]
    assert [one.value for one in Referee("process").answer(answers)] == ["right", "wrong"]
    with pytest.raises(UsageError, match="option 'task' is not known; choose among strict"):
        find_verifier("deduction:task=1")
    near = find_verifier("stdio:float_tolerance=0.1")("print(1.05)", [("", "1.0")])
    assert [one.value for one in Referee("process").answer([near])] == ["right"]
