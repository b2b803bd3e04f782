"""LiveCodeBench's execution form: calls of a function by its own name become argument lists of `f`; imports are shown."""

import json

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks.livecodebench import with_imports
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier

CODE = "def most(words: List[str], k: int):\n    return Counter(words).most_common(k)[k - 1][0] + str(math.floor(inf > k))\n"
ROW = {
    "id": "sample_0",
    "function_name": "most",
    "code": CODE,
    "input": "most(words = ['a', 'b', 'a'], k = 1)",
    "output": "'a1'",
}


def read(tmp_path, row):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    return list(open_source(f"livecodebench-exec:path={path}").read())


def test_a_row(tmp_path, referee):
    [problem], verifier = read(tmp_path, ROW), find_answer_verifier("deduction:expressions=1")
    assert problem.fields["input"] == "words = ['a', 'b', 'a'], k = 1"
    imports = "import math\nfrom collections import Counter\nfrom math import inf\nfrom typing import List"
    assert problem.fields["program"] == f"{imports}\n\n{CODE.rstrip()}\n\nf = most"
    replies = [verifier.gold(problem), verifier.write("'a' + '1'"), verifier.write("'b1'")]
    checks = [verifier.check(problem, verifier.extract(read_reply(reply)).answer) for reply in replies]
    assert [answered.value for answered in referee.answer(checks)] == ["right", "right", "wrong"]


def test_an_input_that_is_no_call(tmp_path):
    with pytest.raises(UsageError, match=r"rows\.jsonl:1: input='3' is no call of a function"):
        read(tmp_path, {**ROW, "input": "3"})


def test_imports_are_those_that_are_missing():
    assert with_imports("def f(x):\n    return x") == "def f(x):\n    return x"
    bound = "from math import gcd\ndef sqrt(count):\n    log = gcd(count, 2)\n    return log"
    assert with_imports(bound) == bound
    assert with_imports("def f(x):\n    return heapq.merge(x, re)") == (
        "import heapq\nimport re\n\ndef f(x):\n    return heapq.merge(x, re)"
    )
    assert with_imports("def f(") == "def f("
