"""Programs that read and write, for fixed questions."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

SOLUTION = "print(int(input()) / 2)"
ROW = {"question": "Halve.", "inputs": ["4\n", "1\n"], "outputs": ["2.0\n", "0.5\n"], "answer": SOLUTION}


def findings(referee, verifier, programs):
    judge = find_answer_verifier(verifier)
    problem = Problem.from_json(judge.problem(ROW).to_json())
    checks = [judge.check(problem, judge.extract(read_reply(fence("python", program))).answer) for program in programs]
    return [answered.value for answered in referee.answer(checks)]


def test_programs_on_all_cases(referee):
    programs = [SOLUTION, "print(int(input()) // 2)", "print(2.0)", "x = int(input()); print(f'{x / 2:.3f}')", "def ("]
    assert findings(referee, "stdio", programs) == ["right", "wrong", "wrong", "wrong", "syntax_error"]
    assert findings(referee, "stdio:float_tolerance=1e-6", programs[:4]) == ["right", "wrong", "wrong", "right"]
    assert findings(referee, "stdio:exact=1", [SOLUTION, "print(int(input()) / 2, end='')"]) == ["right", "wrong"]


def test_the_last_block_is_the_program():
    judge = find_answer_verifier("stdio")
    reply = read_reply(fence("python", "print(1)") + "\nBetter:\n" + fence("python", SOLUTION))
    assert judge.extract(reply) == (SOLUTION, "")
    assert judge.extract(read_reply("print(1)")).fault == "no_program_block"
    assert judge.gold(judge.problem(ROW)) == fence("python", SOLUTION)
    assert judge.gold(judge.problem({**ROW, "answer": None})) is None


def test_cases_in_every_form():
    judge = find_answer_verifier("stdio")
    cases = judge.problem(ROW).data
    assert cases == {"cases": [["4\n", "2.0\n"], ["1\n", "0.5\n"]]}
    pairs = [["4\n", "2.0\n"], ["1\n", "0.5\n"]]
    dicts = [{"input": stdin, "output": stdout} for stdin, stdout in pairs]
    for form in (pairs, dicts, '[["4\\n", "2.0\\n"], ["1\\n", "0.5\\n"]]'):
        assert judge.problem({"question": "Halve.", "cases": form}).data == cases


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({**ROW, "question": " "}, "question"),
        ({**ROW, "outputs": ["1"]}, "inputs has 2 and outputs has 1"),
        ({**ROW, "inputs": [4, 1]}, "is no pair of texts"),
        ({"question": "Halve.", "cases": []}, "cases=[]"),
        ({"question": "Halve.", "cases": [["1"]]}, "is no pair of texts"),
        ({"question": "Halve.", "cases": "4 2"}, "neither a list nor one in JSON"),
    ],
)
def test_rows_that_are_no_problem(row, sentence):
    with pytest.raises(UsageError) as error:
        find_answer_verifier("stdio").problem(row)
    assert sentence in str(error.value)


@pytest.mark.parametrize("options", ["float_tolerance=0", "float_tolerance=inf", "float_tolerance=0.1,exact=1", "timeout_s=0"])
def test_options_that_make_no_sense(options):
    with pytest.raises(UsageError):
        find_answer_verifier(f"stdio:{options}")
