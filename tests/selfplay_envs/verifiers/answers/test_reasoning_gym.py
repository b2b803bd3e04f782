"""The verifier `reasoning-gym`: rows and replies; `tests/selfplay_envs/verifiers/test_reasoning_gym.py` has its verdicts."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.table import find_answer_verifier

GYM = find_answer_verifier("reasoning-gym")
ROW = {"question": "1 + 1?", "answer": 2, "name": "chain_sum", "options": {"seed": 0, "size": 1}, "index": 0, "metadata": "{}"}


def test_rows_and_replies():
    problem = GYM.problem(ROW)
    assert (problem.id, problem.answer, problem.data["index"]) == ("chain_sum/0", "2", 0)
    for answer in ("2", "a\n\n  b", "Answer: 2", "```\nx\n```"):
        assert GYM.extract(read_reply(GYM.write(answer))).answer == answer
    assert GYM.extract(read_reply("<think>1</think>\n2\n")).answer == "2"
    assert GYM.extract(read_reply("<answer> </answer>")).fault == "no_answer"


def test_what_is_wrong_is_named():
    with pytest.raises(UsageError, match="index='0' is no int"):
        GYM.problem({**ROW, "index": "0"})
    for text in ("0", "1.5"):
        with pytest.raises(UsageError, match="threshold"):
            find_answer_verifier(f"reasoning-gym:threshold={text}")
