"""Benchmarks, files of rows and tasks of games as one list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.config.run import EvalConfig, GameMix
from agents.core.errors import AgentError
from agents.evaluation.task_sets import DATASET, SourceTasks, split_sources, task_sets, worded
from selfplay_envs import UsageError
from tests.helpers.toys import GAME

DEDUCTION = "SelfPlay/Deduction-v0"


def rows(path: Path, *given: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    return str(path)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("gsm8k", ["gsm8k"]),
        ("gsm8k,humaneval", ["gsm8k", "humaneval"]),
        ("gsm8k:path=a.jsonl,limit=9,humaneval,mbpp+:limit=2", ["gsm8k:path=a.jsonl,limit=9", "humaneval", "mbpp+:limit=2"]),
        ("gsm8k,limit=9", ["gsm8k:limit=9"]),
        (
            "hf:a/b:main:test,rows.csv:verifier=numeric:rel_tol=1e-3",
            ["hf:a/b:main:test", "rows.csv:verifier=numeric:rel_tol=1e-3"],
        ),
        ("", []),
    ],
)
def test_options_belong_to_the_name_before_them(text: str, sources: list[str]) -> None:
    assert split_sources(text) == sources


def test_an_option_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="begins with an option; a name comes first, as in gsm8k:limit=3"):
        split_sources("limit=3,gsm8k")


def test_rows_of_a_file_are_problems_in_the_wording_asked_for(tmp_path: Path) -> None:
    path = rows(tmp_path / "mine.jsonl", *({"q": f"{n} + 1?", "answer": str(n + 1)} for n in range(5)))
    config = EvalConfig(tasks=path, verifier="exact", columns="question=q", limit=3)
    [one] = task_sets(config)
    assert (one.name, one.env_id, one.count, one.source) == ("mine", DATASET, 3, path)
    assert one.kwargs == {"source": path, "verifier": "exact", "columns": "question=q"}
    assert [task["answer"] for task in one.tasks] == ["1", "2", "3"]
    assert [task["answer"] for task in one.tasks] == ["1", "2", "3"]  # read anew
    assert worded(one, "terse").kwargs["prompt"] == "terse"
    assert "prompt" not in worded(one, "full").kwargs or worded(one, "full").kwargs["prompt"] == ""
    terse = [GameMix(env_id=DEDUCTION, kwargs={"style": "terse"})]
    assert task_sets(config, terse)[0].kwargs["prompt"] == "terse"  # as the run's games are


def test_a_source_whose_options_end_with_a_file_is_no_file_of_tasks(tmp_path: Path) -> None:
    path = rows(tmp_path / "mine.jsonl", {"question": "1 + 1?", "answer": "So it is.\n#### 2"})
    [one] = task_sets(EvalConfig(tasks=f"gsm8k:path={path}"))
    assert (one.name, one.count) == ("gsm8k", 1)
    with pytest.raises(UsageError, match="is not there"):
        task_sets(EvalConfig(tasks=f"gsm8k:path={tmp_path}/none.jsonl"))


def test_games_and_sources_stand_side_by_side(tmp_path: Path) -> None:
    path = rows(tmp_path / "t.jsonl", {"env_id": GAME, "task": {"letter": "x"}}, {"env_id": GAME, "task": {"letter": "y"}})
    sets = task_sets(EvalConfig(tasks=f"{path},sample,tiny", limit=1))
    assert [(one.name, one.count) for one in sets][:2] == [(GAME, 1), ("sample", 1)]
    assert {one.env_id for one in sets[2:]} == {DEDUCTION, "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0"}
    assert task_sets(EvalConfig(tasks="none")) == []


@pytest.mark.parametrize(
    ("given", "config", "sentence"),
    [
        ([{"question": "a", "answer": "b"}, {"question": "a"}], {"verifier": "exact"}, r"all\.jsonl:2"),
        ([{"question": "a", "answer": "b"}], {"verifier": "exact"}, "scores called 'all' are of all tasks"),
        ([{"question": "a", "answer": "b"}], {}, "give verifier=NAME"),
        ([], {"verifier": "exact"}, "all.jsonl"),
        ([{"env_id": GAME}], {}, "is not a task line"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_at_once(
    tmp_path: Path, given: list[Any], config: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((UsageError, AgentError), match=sentence):
        task_sets(EvalConfig(tasks=rows(tmp_path / "all.jsonl", *given), **config))


def test_tasks_of_a_source_are_read_one_at_a_time() -> None:
    tasks = SourceTasks("sample", limit=2)
    assert len(list(tasks)) == 2
    assert next(iter(SourceTasks("sample"))) == next(iter(tasks))
