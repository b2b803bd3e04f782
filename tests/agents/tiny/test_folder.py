"""The shipped tiny model: its size, its tokenizer and template, and the split that its measurements rest on."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import islice

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.tiny.demonstrations import Care, examples
from agents.tiny.folder import TINY_MODEL
from agents.tiny.programs import LETTERS, Task, is_held_out, program_key, propose_prompt, run, sample_task, solve_prompt
from examples.train_tiny_model import Recipe
from selfplay_envs.replies.parsing import fence

LABELS = ("python", "input", "output", "message", "action", "instruction", "answer")


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(TINY_MODEL)


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (TINY_MODEL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_weights_are_small_and_load():
    assert (TINY_MODEL / "model.safetensors").stat().st_size <= 4 * 2**20
    model = AutoModelForCausalLM.from_pretrained(TINY_MODEL, dtype=torch.float32)
    assert 500_000 < model.num_parameters() < 2_000_000
    assert model.config.max_position_embeddings >= 512


def test_a_greedy_reply_has_the_form_of_an_answer(tokenizer):
    model = AutoModelForCausalLM.from_pretrained(TINY_MODEL, dtype=torch.float32)
    messages = [
        {
            "role": "user",
            "content": "solve deduction\n" + fence("python", "def f(x):\n    return x + 1") + "\n" + fence("input", "3"),
        }
    ]
    inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    reply = model.generate(**inputs, max_new_tokens=20, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert tokenizer.decode(reply, skip_special_tokens=True).startswith("```output\n")
    assert reply[-1] == tokenizer.eos_token_id


def test_chat_template_is_the_stated_one(tokenizer):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert (
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        == "<|system|>s<|user|>u<|assistant|>"
    )
    messages.append({"role": "assistant", "content": "a"})
    assert tokenizer.apply_chat_template(messages, tokenize=False) == "<|system|>s<|user|>u<|assistant|>a<|end|>"
    assert (tokenizer.pad_token, tokenizer.eos_token) == ("<|pad|>", "<|end|>")


@pytest.mark.parametrize("label", LABELS)
def test_fence_lines_are_single_tokens(tokenizer, label):
    assert len(tokenizer.encode(fence(label, "x"))) == 3
    assert len(tokenizer.encode(fence(label, "x") + "\n" + fence(label, "x"))) == 6


def test_digits_and_literal_letters_stay_single(tokenizer):
    assert len(tokenizer.encode("12345")) == 5
    assert len(tokenizer.encode(LETTERS + LETTERS.upper())) == 2 * len(LETTERS)


def test_tokenizer_round_trips_code_and_any_unicode(tokenizer):
    for row in rows("heldout_triplets"):
        text = fence("python", row["snippet"]) + "\n" + fence("input", row["input"])
        assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text
    for text in ("naïve \u2013 数学 🙂\t\r\n", "```\n```\n``` python\n", "  two  spaces ,and ' . \n\n"):
        assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


def test_split_ignores_annotations_and_layout():
    plain, dressed = "def f(x):\n    return x+1", "def f(x: int)  ->  int:\n\n    # a note\n    return (x + 1)\n"
    assert program_key(plain) == program_key(dressed)
    assert program_key(plain) != program_key("def f(x):\n    return x + 2")
    assert is_held_out(plain) == is_held_out(dressed)


def test_demonstrations_never_show_a_held_out_program():
    held_out = {program_key(row["snippet"]) for row in rows("heldout_triplets")}
    shown = 0
    for example in islice(examples(np.random.default_rng(3), Care()), 3000):
        parts = (example.prompt + "\n" + example.reply).split("```python\n")[1:]
        for program in (part.partition("\n```")[0] for part in parts):
            shown += 1
            assert not is_held_out(program)
            assert program_key(program) not in held_out
    assert shown > 2000


def test_held_out_rows_are_distinct_and_run_to_their_stated_outputs():
    triplets, problems = rows("heldout_triplets"), rows("heldout_induction")
    assert len({program_key(row["snippet"]) for row in triplets}) == len(triplets) >= 240
    assert [row["snippet"] for row in triplets] == [row["snippet"] for row in problems]
    for triplet, problem in zip(triplets, problems, strict=True):
        assert is_held_out(triplet["snippet"])
        assert run(triplet["snippet"], [triplet["input"]]) == (triplet["output"],)
        assert run(problem["snippet"], problem["inputs"]) == tuple(problem["outputs"])
        assert len(set(problem["inputs"])) == 4
        assert triplet["imports"] == problem["imports"] == []


def test_the_recipe_beside_the_weights_tells_of_them():
    recipe = json.loads((TINY_MODEL / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["warm_start_programs"] > 4_000
    assert recipe["held_out_programs"] == len(rows("heldout_triplets"))
    assert recipe["programs_in_both"] == 0
    defaults = {name: value for name, value in asdict(Recipe()).items() if name not in ("out", "fast", "threads")}
    assert {name: recipe[name] for name in defaults} == json.loads(json.dumps(defaults))


def test_programs_are_seeded_and_various():
    first, again = (np.random.default_rng(11) for _ in range(2))
    assert [sample_task(first) for _ in range(20)] == [sample_task(again) for _ in range(20)]
    rng = np.random.default_rng(0)
    assert len({program_key(sample_task(rng).program) for _ in range(500)}) > 250


def test_run_returns_none_when_the_program_raises():
    assert run("def f(x):\n    return x[0]", ["[1]", "[]"]) is None
    assert run("def f(x):\n    return x[0]", ["[1]", "'ab'"]) == ("1", "'a'")


def test_prompts_are_exact():
    task = Task("def f(x):\n    return x + 1", ("1", "2", "3"), ("2", "3", "4"), "int to int")
    code = "```python\ndef f(x):\n    return x + 1\n```"
    assert solve_prompt("deduction", task) == f"solve deduction\n{code}\n```input\n1\n```"
    assert solve_prompt("abduction", task) == f"solve abduction\n{code}\n```output\n2\n```"
    pairs = "```input\n1\n```\n```output\n2\n```\n```input\n2\n```\n```output\n3\n```"
    assert solve_prompt("induction", task) == f"solve induction\n{pairs}\n```message\nint to int\n```"
    reference = (task.program, "1", "2")
    assert propose_prompt("abduction", [reference]) == f"propose abduction\n{code}\n```input\n1\n```\n```output\n2\n```"
    assert propose_prompt("induction", [reference]) == f"propose induction\n{code}"
