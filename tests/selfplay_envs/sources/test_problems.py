"""From rows to problems: renamed, converted, limited; chats as they stand; a bad row with its place."""

import pytest

from selfplay_envs import Message, UsageError
from selfplay_envs.sources.problems import problems_in

ROWS = [("f:1", {"q": "a", "answer": "1"}), ("f:2", {"q": "b", "answer": "2"}), ("f:3", {"q": "c", "answer": "3"})]


def read(rows, verifier="exact", **options):
    return [(problem.fields.get("question"), problem.answer) for problem in problems_in(iter(rows), verifier, **options)]


def test_columns_then_the_conversion_then_the_verifier():
    def convert(row):
        return None if row["question"] == "b" else {**row, "answer": row["answer"] * 2}

    assert read(ROWS, columns="question=q", convert=convert) == [("a", "11"), ("c", "33")]


def test_a_named_column_that_the_verifier_does_not_read_is_a_field_for_templates():
    row = {"q": "a", "answer": "1", "level": 5, "hint": "b", "tags": ["c"]}
    names = "question=q,level=level,note=hint,tags=tags"
    [problem] = problems_in(iter([("f:1", row)]), "exact", columns=names)
    assert problem.fields == {"question": "a", "level": "5", "note": "b"}  # and not `q`, nor a list
    assert problem.answer == "1"


def test_a_limit_counts_problems_and_reads_no_row_beyond():
    def rows():
        yield from ROWS[:2]
        raise AssertionError("a row too many")

    def convert(row):
        return None if row["q"] == "a" else {"question": row["q"], "answer": row["answer"]}

    assert read(rows(), limit=1, convert=convert) == [("b", "2")]
    with pytest.raises(UsageError, match=r"limit=-1 is no number of problems"):
        read(ROWS, limit=-1)


@pytest.mark.parametrize(
    ("convert", "sentence"),
    [
        (None, "f:1: there is no column 'question'; its columns are q, answer. Name it as in columns=question=COLUMN."),
        (lambda row: {"question": 1, "answer": "1"}, "f:1: question=1"),
        (lambda row: {"question": row["q"].no}, "f:1 is no problem of verifier='exact' (AttributeError: 'str' object has no"),
        (lambda row: {"question": row["q"][3]}, "f:1 is no problem of verifier='exact' (IndexError"),
        (lambda row: None, "The source holds no problem that its options let through; name another split, subset or file."),
    ],
)
def test_a_bad_row_is_named_with_its_place(convert, sentence):
    with pytest.raises(UsageError) as error:
        read(ROWS, convert=convert)
    assert sentence in str(error.value)


CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "2 + 2?"},
    {"role": "assistant", "content": "4"},
]
ASKED = (Message("system", "Be brief."), Message("user", "2 + 2?"))


def test_a_chat_is_asked_as_it_stands_and_its_last_message_is_the_gold_reply():
    [problem] = problems_in(iter([("f:1", {"id": 7, "messages": CHAT})]), "chat")
    assert (problem.id, problem.messages, problem.answer, problem.fields) == ("7", ASKED, "4", {})


@pytest.mark.parametrize(
    ("row", "asked", "answer"),
    [
        ({"messages": CHAT}, ASKED, "4"),
        ({"messages": CHAT[:2], "answer": "5"}, ASKED, "5"),
        ({"messages": CHAT, "answer": "5"}, (*ASKED, Message("assistant", "4")), "5"),
    ],
    ids=["the last message is the answer", "the answer is a column", "the last message is part of the prompt"],
)
def test_another_verifier_judges_chats_too(row, asked, answer):
    [problem] = problems_in(iter([("f:1", row)]), "exact")
    assert (problem.messages, problem.answer, problem.fields["question"]) == (asked, answer, "2 + 2?")


@pytest.mark.parametrize("row", [{"question": "\ud800", "answer": "5"}, {"question": "q", "answer": "5\udfff"}])
def test_half_a_surrogate_pair_is_named_when_it_is_read(row):
    with pytest.raises(UsageError, match=r"^rows:1: .* holds half a surrogate pair"):
        list(problems_in(iter([("rows:1", row)]), "exact"))
