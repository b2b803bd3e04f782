"""Wording of fixed problems: by what a verifier poses, by style, template and system message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from selfplay_envs import Message, Slot, UsageError, make_game
from selfplay_envs.games.dataset.prompts import STYLES, find_prompt
from selfplay_envs.replies.parsing import fence
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

QUESTION = Problem(fields={"question": "6 * 7?"}, answer="42")
CHAT = Problem(messages=(Message("system", "Be kind."), Message("user", "Hello")), answer="Hi")
CODE: dict[str, Any] = {
    "program": "def f(x):\n    return -x",
    "inputs": ["1", "2", "3", "4"],
    "outputs": ["-1", "-2", "-3", "-4"],
}


def asked(problem: Problem, verifier: str, prompt: str) -> tuple[Message, ...]:
    return find_prompt(prompt).ask(problem, find_answer_verifier(verifier))


def game_asks(problem: Problem, **kwargs: Any) -> tuple[Message, ...]:
    game = make_game("SelfPlay/Dataset-v0", **kwargs)
    game.reset(np.random.default_rng(0), {"task": problem.to_json()})
    return game.prompt(Slot("solver", 0, 0))


def test_a_question_is_asked_for_the_form_of_its_answer_in_full_alone() -> None:
    request = find_answer_verifier("exact").request
    assert asked(QUESTION, "exact", "full") == (Message("user", f"6 * 7?\n\n{request}"),)
    assert asked(QUESTION, "exact", "terse") == (Message("user", "6 * 7?"),)


def test_a_program_to_go_on_from_is_shown_once() -> None:
    start = "def f(x):\n"
    row: Mapping[str, Any] = {"entry_point": "f", "tests": ["assert f(1) == 1"]}
    verifier = find_answer_verifier("unit-tests")
    both = verifier.problem({**row, "question": "Go on.", "program": start})
    alone = verifier.problem({**row, "program": start})
    assert asked(both, "unit-tests", "terse") == (Message("user", f"Go on.\n\n{fence('python', 'def f(x):')}"),)
    assert asked(alone, "unit-tests", "full") == (Message("user", f"{start}\n\n{verifier.request}"),)


@pytest.mark.parametrize("prompt", [*STYLES, "{question}!"])
def test_a_chat_is_asked_as_it_is(prompt: str) -> None:
    assert asked(CHAT, "chat", prompt) == CHAT.messages


@pytest.mark.parametrize("poses", ["deduction", "abduction", "induction"])
@pytest.mark.parametrize("style", STYLES)
def test_a_code_task_is_worded_as_in_its_game(poses: str, style: str) -> None:
    problem = find_answer_verifier(poses).problem(CODE)
    game = make_game(f"SelfPlay/{poses.capitalize()}-v0", style=style)
    game.reset(np.random.default_rng(0), {"task": problem.data})
    assert asked(problem, poses, style) == game.prompt(Slot("solver", 0, 1))


def test_the_hidden_half_of_the_pairs_is_shown_nowhere() -> None:
    problem = find_answer_verifier("induction").problem({**CODE, "message": "Minus."})
    for prompt in (*STYLES, "{message} {pairs}"):
        [*_, message] = asked(problem, "induction", prompt)
        assert fence("output", "-2") in message.content
        assert "-3" not in message.content
        assert "return -x" not in message.content


def test_a_template_shows_fields_and_leaves_other_braces_alone() -> None:
    [message] = asked(QUESTION, "math", "{question} Put it in \\boxed{}: {}, {1}. {request}")
    assert message.content == "6 * 7? Put it in \\boxed{}: {}, {1}. " + find_answer_verifier("math").request
    sly = Problem(fields={"question": "{request}"}, answer="1")
    assert asked(sly, "exact", "{question}")[0].content == "{request}"  # what a field says is no template


def test_what_is_neither_style_nor_template_is_refused() -> None:
    with pytest.raises(UsageError, match=r"prompt='Solve this\.' is neither a style \(full, terse\) nor a template"):
        find_prompt("Solve this.")
    with pytest.raises(UsageError, match="shows 'riddle', which the problem lacks; it has question, request"):
        asked(QUESTION, "exact", "{riddle}")


def test_a_system_message_is_put_first_or_taken_away() -> None:
    ours = Message("system", "Be brief.")
    assert game_asks(QUESTION, prompt="terse", system="Be brief.") == (ours, Message("user", "6 * 7?"))
    assert game_asks(CHAT, verifier="chat", system="Be brief.") == (ours, CHAT.messages[1])
    assert game_asks(CHAT, verifier="chat", system="none") == CHAT.messages[1:]
    assert game_asks(CHAT, verifier="chat") == CHAT.messages
    assert game_asks(QUESTION, prompt="terse", system="none") == (Message("user", "6 * 7?"),)
