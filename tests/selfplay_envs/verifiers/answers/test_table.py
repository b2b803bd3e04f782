"""Verifiers of fixed problems by name."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.verifiers.answers.base import AnswerVerifier
from selfplay_envs.verifiers.answers.table import ANSWER_VERIFIERS, find_answer_verifier


@pytest.mark.parametrize("name", ANSWER_VERIFIERS.table)
def test_every_verifier_says_what_it_reads_and_asks_for(name):
    verifier = find_answer_verifier(name)
    assert isinstance(verifier, AnswerVerifier)
    assert verifier.columns
    assert verifier.poses in ("question", "program", "deduction", "abduction", "induction")


def test_what_is_wrong_is_named():
    with pytest.raises(UsageError, match="did you mean 'numeric'"):
        find_answer_verifier("numerics")
    with pytest.raises(UsageError, match="option 'digits' is not known"):
        find_answer_verifier("numeric:digits=3")
    with pytest.raises(UsageError, match="is no AnswerVerifier"):
        find_answer_verifier("collections:UserList")
