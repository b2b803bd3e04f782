"""The files of an evaluation's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.config.run import EvalConfig
from agents.evaluation.evaluate import evaluate_sets, reply_seed
from agents.evaluation.grading import Sample
from agents.evaluation.samples import SampleFiles, file_name
from agents.evaluation.task_sets import task_sets
from agents.models.chat import Prompt
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Referee
from tests.helpers.rows_of_questions import write_questions


def test_samples_are_lines_of_a_file_that_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    config = EvalConfig(tasks=write_questions(tmp_path / "q.jsonl", 3), verifier="exact", samples=2)
    old = tmp_path / "out" / "q.jsonl"
    old.parent.mkdir()
    old.write_text("old")

    def key_of(sample: Sample) -> str:
        assert sample.turn is not None
        return str(reply_seed(5, sample.place, sample.turn.slot))

    seeds: list[int] = []

    def say(prompt: Prompt, seed: int) -> str:
        seeds.append(seed)
        return "Answer: ok..." if prompt[0].content.startswith("1?") else "no"

    with SampleFiles(tmp_path / "out", ["q"], key_of) as files:
        evaluate_sets(
            ScriptedSampler(say), Referee("process"), task_sets(config), config, seed=5, on_samples=files.write, chunk=4
        )
        assert old.read_text() == "old"
    rows = [json.loads(line) for line in old.read_text().splitlines()]
    assert [(row["id"], row["sample"]) for row in rows] == [(f"q{n}", sample) for n in range(3) for sample in range(2)]
    assert [row["key"] for row in rows] == list(map(str, seeds))  # the seeds that the sampler was given
    assert [row["verdict"] for row in rows] == [*["unreadable"] * 2, *["right"] * 2, *["unreadable"] * 2]
    assert len({row["program"] for row in rows}) == 3  # problems that share nothing
    assert rows[0] | {"prompt": 0, "key": 0} == {
        "benchmark": "q",
        "id": "q0",
        "program": rows[1]["program"],
        "sample": 0,
        "verdict": "unreadable",
        "reason": "no_answer",
        "finish_reason": "stop",
        "prompt": 0,
        "reply": "no",
        "key": 0,
    }
    with pytest.raises(KeyboardInterrupt), SampleFiles(tmp_path / "out", ["q"], key_of):
        raise KeyboardInterrupt
    assert len(old.read_text().splitlines()) == 6  # what was begun takes no whole file's place


def test_names_are_file_names() -> None:
    assert file_name("SelfPlay/Deduction-v0") == "SelfPlay_Deduction-v0"
    assert file_name("../runs/a b/") == "runs_a_b"
    assert file_name("/") == "_"
