"""AlpacaEval and Alpaca: rows as they are published, asked word by word, judged by nobody here."""

import json

import numpy as np
import pytest

from selfplay_envs import UsageError, make_game
from selfplay_envs.core.messages import Message, Slot
from selfplay_envs.sources.registry import BENCHMARKS, SOURCES, open_source


def problems(tmp_path, name, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return list(open_source(f"{name}:path={path}").read())


def test_a_row_is_its_instruction_with_its_subset_and_an_example(tmp_path):
    row = {"instruction": "Name {a} star.", "dataset": "koala", "output": "Sirius.", "generator": "text_davinci_003"}
    [problem] = problems(tmp_path, "alpacaeval", row)
    assert (problem.fields, problem.data, problem.answer) == ({"question": "Name {a} star."}, {"subset": "koala"}, "Sirius.")


def test_it_is_asked_word_by_word_and_without_a_system_message(tmp_path):
    problems(tmp_path, "alpacaeval", {"instruction": "Print {question} and \\boxed{}."})
    game = make_game("SelfPlay/Dataset-v0", source=f"alpacaeval:path={tmp_path / 'rows.jsonl'}", attempts=1)
    game.reset(np.random.default_rng(0), {})
    assert game.prompt(Slot("solver", 0, 0)) == (Message("user", "Print {question} and \\boxed{}."),)


def test_a_row_of_alpaca_shows_its_input_where_it_has_one(tmp_path):
    found = problems(
        tmp_path,
        "alpaca",
        {"instruction": "Sort.", "input": "b a", "output": "a b"},
        {"instruction": "Sing.", "input": "", "output": "La."},
    )
    assert [(one.fields["question"], one.answer) for one in found] == [("Sort.\n\nb a", "a b"), ("Sing.", "La.")]


def test_a_wrong_row_is_named_with_its_place(tmp_path):
    with pytest.raises(UsageError, match=r"rows\.jsonl:1: there is no column 'instruction'"):
        problems(tmp_path, "alpacaeval", {"prompt": "Hi"})
    with pytest.raises(UsageError, match=r"rows\.jsonl:1: input=3 is not a text"):
        problems(tmp_path, "alpaca", {"instruction": "Sort.", "input": 3})


def test_one_is_a_benchmark_and_the_other_is_not():
    assert "alpacaeval" in BENCHMARKS
    assert "alpaca" not in BENCHMARKS
    assert "alpaca" in SOURCES.names()
    assert (open_source("alpacaeval").rows, open_source("alpaca").rows) == (805, 52_002)
