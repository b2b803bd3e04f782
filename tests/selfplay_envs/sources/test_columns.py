"""Columns under other names."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.sources.columns import read_columns, rename

ROW = {"problem": "1 + 1?", "final_answer": "2"}


def test_a_column_stands_under_its_name_as_well():
    columns = read_columns("question = problem, answer=final_answer,")
    assert columns == {"question": "problem", "answer": "final_answer"}
    assert rename(ROW, columns) == {**ROW, "question": "1 + 1?", "answer": "2"}


def test_two_columns_can_be_exchanged():
    assert rename({"a": 1, "b": 2}, read_columns("a=b,b=a")) == {"a": 2, "b": 1}


def test_without_columns_the_row_is_what_it_was():
    assert read_columns("") == {}
    assert rename(ROW, {}) is ROW


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("question", "columns='question': 'question' is no pair; write it as in question=problem,answer=final_answer."),
        ("question=", "'question=' is no pair"),
        ("=problem", "'=problem' is no pair"),
        ("a=b,a=c", "columns='a=b,a=c' names a twice; keep one."),
    ],
)
def test_what_is_no_pair_is_refused(text, sentence):
    with pytest.raises(UsageError) as error:
        read_columns(text)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("question=problm", "columns=question=problm: there is no 'problm'; did you mean 'problem'? its columns are problem, "),
        ("question=zzz", "columns=question=zzz: there is no 'zzz'; its columns are problem, final_answer."),
    ],
)
def test_a_missing_column_is_named_beside_those_that_are_there(text, sentence):
    with pytest.raises(UsageError) as error:
        rename(ROW, read_columns(text))
    assert sentence in str(error.value)
