"""Inputs of the hub's rows are read out of test code, which is never run."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks.evalplus_hub import inputs_of_test

TEST = """
import numpy as np
open("ran", "w")
def check(candidate):
    inputs = [[[1, 2], (3,)], [float("nan")], [-1.5]]
    results = [1, 2, 3]
    for i, (inp, exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, 0.0001)
"""


def test_inputs_and_tolerance():
    row = inputs_of_test({"task_id": 7, "test": TEST})
    assert row["base_input"] == [[[1, 2], (3,)], "*[float('nan')]", [-1.5]]
    assert (row["task_id"], row["plus_input"], row["atol"]) == (7, [], 1e-4)


@pytest.mark.parametrize("test", ["def check(candidate): pass", "inputs = []", "inputs = [", "inputs = make()"])
def test_code_without_inputs(test):
    with pytest.raises(UsageError, match="assigns no list to inputs"):
        inputs_of_test({"test": test})
