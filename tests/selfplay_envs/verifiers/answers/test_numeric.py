"""The verifier `numeric`: where it finds numbers, how gold ones are read, and its options."""

import pytest

from selfplay_envs import Referee, UsageError
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.table import find_answer_verifier

SOLUTION = "Natalia sold 48/2 = <<48/2=24>>24 clips.\n#### 1,024"


def found(verifier, reply):
    extraction = find_answer_verifier(verifier).extract(read_reply(reply))
    return extraction.fault or extraction.answer


PLACES = {
    r"#### 1 \boxed{2} Answer: 3": "2",
    "Answer: 3\n#### 1,000": "1,000",
    "#### Step 1\nAnswer: 3": "3",
    "Answer: 18 dollars": "18",
    "So the answer is $18.": "$18",
    "First 5, then 7 apples.": "7",
    r"\boxed{\frac{3}{4}}": r"\frac{3}{4}",
    "Answer: none of the 3 in the end, sorry\n4": "3",
    r"\boxed{x} 5": "no_number",
    "none": "no_number",
    "<think>5": "no_number",
}


@pytest.mark.parametrize(("reply", "number"), PLACES.items())
def test_where_the_number_stands(reply, number):
    assert found("numeric", reply) == number


def test_how_public_harnesses_read_it():
    reply = "#### 5\nThe answer is 6, not 7"
    assert [found(f"numeric:find={rule}", reply) for rule in ("any", "hashes", "last")] == ["5", "5", "7"]
    assert found("numeric:find=hashes", "The answer is 6") == "no_number"
    judge = find_answer_verifier("numeric:find=hashes")
    assert found("numeric:find=hashes", judge.write("5")) == "5"


def test_gold_answers_and_verdicts():
    judge = find_answer_verifier("numeric:rel_tol=0.01")
    problem = judge.problem({"question": "?", "answer": SOLUTION})
    assert problem.answer == "1,024"
    own = judge.problem({"question": "?", "answer": 10})
    tolerant = type(own)(fields=own.fields, answer=own.answer, data={"tolerance": 5})
    checks = [judge.check(problem, text) for text in ("1030", "1040")] + [judge.check(tolerant, text) for text in ("14", "16")]
    assert [one.value for one in Referee("process", strict=True).answer(checks)] == ["right", "wrong", "right", "wrong"]
    with pytest.raises(UsageError, match="answer='five' is no number"):
        judge.problem({"question": "?", "answer": "five"})
    for text in ("numeric:abs_tol=-1", "numeric:rel_tol=inf"):
        with pytest.raises(UsageError, match="is no tolerance"):
            find_answer_verifier(text)
