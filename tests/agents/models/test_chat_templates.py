"""Templates as the public ones are known to be built, on the tiny model's tokenizer: what they show, and what they end with."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from transformers import AddedToken, PreTrainedTokenizerBase

from agents.models.chat import render_prompt
from agents.models.chat_templates import find_template
from agents.models.loading import load_model
from selfplay_envs import Message, UsageError

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (  # the first one: a system message is one turn too many
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ message['content'] + eos_token + ' ' }}{% endif %}{% endfor %}"
)
LATER_MISTRAL = (  # the system's text goes into the last user turn
    "{% if messages[0]['role'] == 'system' %}{% set rules = messages[0]['content'] %}"
    "{% set messages = messages[1:] %}{% endif %}"
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + (rules + '\n\n' if rules is defined and loop.last else '') + message['content'] + '[/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
FORGETFUL = (  # drops what it does not know without a word
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ 'Human: ' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{{ '\n\nBot: ' + message['content'] + '\n\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n\nBot:' }}{% endif %}"
)
MARKS = (
    *("<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>"),
    *("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
)
RULES, QUESTION = Message("system", "be brief"), Message("user", " why? ")


def tokenizer_with(template: Any, *marks: str) -> PreTrainedTokenizerBase:
    """The tiny model's, with another template and further special tokens."""
    tokenizer = copy.deepcopy(load_model("tiny", device="cpu")[1])
    tokenizer.add_tokens([AddedToken(mark, special=True) for mark in marks])
    tokenizer.chat_template = template
    return tokenizer


def shown(tokenizer: PreTrainedTokenizerBase, *messages: Message) -> str:
    text = tokenizer.decode(render_prompt(tokenizer, messages))
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        (CHATML, "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n why? <|im_end|>\n<|im_start|>assistant\n"),
        (
            LLAMA3,
            (
                "<|start_header_id|>system<|end_header_id|>\n\nbe brief<|eot_id|>"
                "<|start_header_id|>user<|end_header_id|>\n\nwhy?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
            ),
        ),
        (GEMMA, "<start_of_turn>user\nbe brief\n\n why?<end_of_turn>\n<start_of_turn>model\n"),
        (MISTRAL, "[INST] be brief\n\n why?  [/INST]"),
        (LATER_MISTRAL, "[INST] be brief\n\n why? [/INST]"),
        (FORGETFUL, "Human: be brief\n\n why? \n\nBot:"),
        ({"tool_use": "{{ 1 / 0 }}", "default": FORGETFUL}, "Human: be brief\n\n why? \n\nBot:"),
        ([{"name": "default", "template": MISTRAL}, {"name": "rag", "template": "x"}], "[INST] be brief\n\n why?  [/INST]"),
        ({"tool_use": FORGETFUL}, "Human: be brief\n\n why? \n\nBot:"),
        (None, "system: be brief\nuser:  why? \nassistant: "),
    ],
)
def test_the_system_text_is_shown_by_every_kind_of_template(template: Any, wanted: str) -> None:
    assert shown(tokenizer_with(template, *MARKS), RULES, QUESTION) == wanted


@pytest.mark.parametrize("template", [GEMMA, MISTRAL, FORGETFUL])
def test_without_a_system_role_its_text_stands_before_the_first_user_turn(template: str) -> None:
    tokenizer = tokenizer_with(template, *MARKS)
    answer, more = Message("assistant", "so"), Message("user", "and?")
    merged = Message("user", "be brief\n\n why? ")
    assert shown(tokenizer, RULES, QUESTION, answer, more) == shown(tokenizer, merged, answer, more)
    assert shown(tokenizer, RULES) == shown(tokenizer, Message("user", "be brief"))
    assert shown(tokenizer, Message("system", ""), QUESTION) == shown(tokenizer, QUESTION)


@pytest.mark.parametrize(
    ("template", "messages", "said"),
    [
        (GEMMA, (QUESTION, QUESTION), "refuses messages of the roles user, user .Conversation roles must alternate"),
        ("{{ 1 / 0 }}", (QUESTION,), "refuses messages of the roles user .division by zero"),
        ("{% for message in messages", (QUESTION,), "refuses messages of the roles user .unexpected end of template"),
        ("{{ messages[0].content + 1 }}", (RULES, QUESTION), "refuses messages of the roles user"),
        ("{{ messages.boo.far }}", (RULES, QUESTION), "refuses messages of the roles user"),
        ("Good morning.", (RULES, QUESTION), "does not show what a user says"),
        (CHATML, (), "refuses messages of the roles"),
        (
            {"rag": CHATML, "tool_use": CHATML},
            (QUESTION,),
            "names rag, tool_use and no default",
        ),
    ],
)
def test_a_template_that_cannot_show_a_chat_is_one_sentence(template: Any, messages: tuple[Message, ...], said: str) -> None:
    with pytest.raises(UsageError, match=rf"^chat_template of '.*tiny' {said}.*set tokenizer.chat_template to .*\.$") as caught:
        render_prompt(tokenizer_with(template), messages)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "marks", "end"),
    [
        (CHATML, MARKS, "<|im_end|>"),
        (LLAMA3, MARKS, "<|eot_id|>"),
        (GEMMA, MARKS, "<end_of_turn>"),
        (MISTRAL, (), "<|end|>"),
        (LATER_MISTRAL, (), "<|end|>"),
        (CHATML + "{{ '<|end|>' }}", MARKS, "<|im_end|>"),  # as Phi-3, which ends the text as well
        (FORGETFUL, (), None),  # ends in plain text
        (CHATML, (), None),  # as do marks that are no special tokens
        (None, (), None),
        ("{% if messages[-1]['role'] == 'assistant' %}{{ raise_exception('no') }}{% endif %}" + CHATML, MARKS, None),
    ],
)
def test_the_end_of_a_turn(template: str | None, marks: tuple[str, ...], end: str | None) -> None:
    tokenizer = tokenizer_with(template, *marks)
    found = find_template(tokenizer).turn_end
    assert (None if found is None else tokenizer.decode([found])) == end


def test_letters_that_a_tokenizer_does_not_know_end_no_turn() -> None:
    tokenizer = tokenizer_with(CHATML)
    tokenizer.unk_token = "\n"
    assert find_template(tokenizer).turn_end is None


def test_a_tokenizer_is_looked_at_once_and_again_when_it_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tokenizer_with(GEMMA, *MARKS)
    first = find_template(tokenizer)
    assert find_template(tokenizer) is first
    calls: list[object] = []
    original = type(tokenizer).apply_chat_template

    def counting(self: PreTrainedTokenizerBase, *args: Any, **options: Any) -> Any:
        calls.append(args)
        return original(self, *args, **options)

    monkeypatch.setattr(type(tokenizer), "apply_chat_template", counting)
    shown(tokenizer, RULES, QUESTION)
    assert len(calls) == 1
    tokenizer.chat_template = CHATML
    assert find_template(tokenizer).takes_system
    assert "<|im_start|>system\nbe brief<|im_end|>" in shown(tokenizer, RULES, QUESTION)
