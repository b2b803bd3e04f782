"""Problems that reasoning-gym generates."""

import sys

import pytest

from selfplay_envs import UsageError
from selfplay_envs.sources import reasoning_gym as module
from selfplay_envs.sources.registry import open_source


def questions(text):
    return [problem.fields["question"] for problem in open_source(text).read()]


def test_problems_are_those_of_a_seed():
    ten = questions("reasoning-gym:chain_sum:size=10,seed=3")
    assert len(set(ten)) == 10
    assert questions("reasoning-gym:chain_sum:size=10,seed=3") == ten
    assert questions("reasoning-gym:chain_sum:size=10,seed=4")[:9] == ten[1:]
    assert not {*questions("reasoning-gym:chain_sum:size=10,seed=13")} & {*ten}


def test_several_datasets_take_turns():
    source = open_source("reasoning-gym:chain_sum+gcd:size=5,seed=0")
    assert (source.rows, source.verifier) == (5, "reasoning-gym")
    problems = list(source.read())
    assert [problem.id for problem in problems] == ["chain_sum/0", "gcd/0", "chain_sum/1", "gcd/1", "chain_sum/2"]
    assert all(problem.from_json(problem.to_json()) == problem for problem in problems)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("chain_sums", "'chain_sums' is no dataset of reasoning-gym; did you mean 'chain_sum'"),
        ("composite", "'composite' is no dataset"),
        ("gcd+zzz", "choose one of ab, "),
        ("gcd:size=0", "size=0"),
        ("gcd:length=3", "option 'length' is not known"),
    ],
)
def test_what_is_wrong_is_named(text, sentence):
    with pytest.raises(UsageError, match=sentence):
        open_source(f"reasoning-gym:{text}")


def test_without_the_package_one_sentence_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(UsageError, match="pip install reasoning-gym"):
        module.reasoning_gym("gcd")
