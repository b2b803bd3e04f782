"""Prompts of tasks and files, and the replies that a model samples to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.analysis.entropy.asking import prompts_of, read_prompts, sample_replies
from agents.config.run import EvalConfig
from agents.config.sampling import Sampling
from agents.evaluation.task_sets import task_sets
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message, UsageError
from tests.helpers.toys import GAME

SAMPLING = Sampling(max_new_tokens=5)


def test_tasks_are_asked_as_the_games_ask_them(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps({"env_id": GAME, "task": {"letter": letter}}) + "\n" for letter in "xy"))
    asked = prompts_of(task_sets(EvalConfig(tasks=str(path))))
    assert [one.messages for one in asked] == [(Message("user", "say x"),), (Message("user", "say y"),)]
    assert {(one.role, one.task_type) for one in asked} == {("solver", "letters")}
    assert len({one.name for one in asked}) == 2
    held_out = prompts_of(task_sets(EvalConfig(tasks="tiny", limit=2)))
    assert [one.task_type for one in held_out] == ["deduction", "deduction", "abduction", "abduction", "induction", "induction"]


def test_files_of_chats_and_texts(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    chat = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"}]
    path.write_text(json.dumps({"prompt": "hello"}) + "\n" + json.dumps({"messages": chat, "task_type": "question"}) + "\n")
    first, second = read_prompts(path)
    assert (first.messages, first.role, first.task_type) == ((Message("user", "hello"),), "assistant", "")
    assert second.messages == (Message("system", "be brief"), Message("user", "why?"))
    assert second.task_type == "question"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"text": "x"}', r"prompts\.jsonl:1 is not a prompt; write .*messages"),
        ('{"messages": []}', "of system, user or assistant, at least one"),
        ('{"messages": [{"role": "boss", "content": "x"}]}', "of system, user or assistant"),
        ('{"prompt": 3}', "3 is not a text"),
        ("", "holds no prompt"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "prompts.jsonl").write_text(line + "\n")
    with pytest.raises(UsageError, match=sentence):
        read_prompts(tmp_path / "prompts.jsonl")
    with pytest.raises(UsageError, match="is not a file; give JSON lines"):
        read_prompts(tmp_path / "none.jsonl")


def test_replies_do_not_depend_on_what_is_asked_together(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in "abc"))
    asked, sampler = read_prompts(path), TransformersSampler(model, tokenizer)
    done: list[int] = []
    one = sample_replies(sampler, asked, 2, SAMPLING, batch=1, on_sampled=done.append)
    all_together = sample_replies(sampler, asked, 2, SAMPLING)
    assert done == [2, 2, 2]
    assert [sample.tag.prompt_id for sample in one] == ["prompts/0"] * 2 + ["prompts/1"] * 2 + ["prompts/2"] * 2
    assert [sample.reply.token_ids for sample in one] == [sample.reply.token_ids for sample in all_together]
    assert len({sample.reply.token_ids for sample in one}) > 1
    other = sample_replies(sampler, asked, 2, SAMPLING, seed=1)
    assert [sample.reply.token_ids for sample in one] != [sample.reply.token_ids for sample in other]
