"""The verifier `exact`."""

from selfplay_envs import Referee
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.table import find_answer_verifier


def judged(verifier, gold, reply):
    judge = find_answer_verifier(verifier)
    found = judge.extract(read_reply(reply))
    if found.fault:
        return found.fault
    [answered] = Referee("process", strict=True).answer(
        [judge.check(judge.problem({"question": "?", "answer": gold}), found.answer)]
    )
    return answered.value


def test_verdicts_and_options():
    assert judged("exact", "Paris", "It is\nAnswer: Paris") == "right"
    assert judged("exact", "Paris", "Answer: paris") == "wrong"
    assert judged("exact", "Paris", "Paris") == "no_answer"
    assert judged("exact:case=0,punctuation=0", "Paris", "Answer: paris.") == "right"
    assert judged("exact:articles=0", "the end", "Answer: end") == "right"
