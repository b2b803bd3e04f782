"""IFEval's rows, as the hub has them and as its first file did; by prompt and by instruction."""

from __future__ import annotations

import json

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks.ifeval import ifeval
from selfplay_envs.sources.registry import open_source, problems_of

EMPTY = {"num_words": None, "relation": None, "keywords": None}
ROWS = [
    {
        "key": 1000,
        "prompt": "Write of cats in 3 words or more.",
        "instruction_id_list": ["keywords:existence", "length_constraints:number_words"],
        "kwargs": [{**EMPTY, "keywords": ["cat"]}, {**EMPTY, "num_words": 3, "relation": "at least"}],
    },
    {"prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]},
]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return str(file)


def test_a_row_is_a_problem_with_the_bare_request(path):
    first, second = ifeval(path=path).read()
    assert (first.id, second.id) == ("1000", "")
    assert first.fields == {"question": "Write of cats in 3 words or more."}
    assert first.data["kwargs"] == [{"keywords": ["cat"]}, {"relation": "at least", "num_words": 3}]
    assert second.data == {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    source = open_source(f"ifeval:path={path},verifier=ifeval:loose=1")
    assert (source.rows, source.verifier, problems_of(source)) == (541, "ifeval:loose=1", (first, second))


def test_each_instruction_can_be_a_problem(path):
    source = open_source(f"ifeval:path={path},per=instruction")
    found = problems_of(source)
    assert [problem.data["instruction_id_list"] for problem in found] == [
        ["keywords:existence"],
        ["length_constraints:number_words"],
        ["punctuation:no_comma"],
    ]
    assert [problem.id for problem in found] == ["1000:0", "1000:1", ":0"]
    assert len({problem.task_id for problem in found}) == 3
    assert found[0].fields == found[1].fields
    assert source.rows == 834
    assert len(list(ifeval(path=path, limit=1, per="instruction").read())) == 2  # of one row


def test_what_is_wrong_is_named(path):
    with pytest.raises(UsageError, match="per='word' is not known; choose one of prompt, instruction"):
        open_source(f"ifeval:path={path},per=word")
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({**ROWS[1], "kwargs": []}) + "\n")
    with pytest.raises(UsageError, match=r"rows\.jsonl:3: kwargs=\[\] is no list of at least one"):
        list(ifeval(path=path).read())
