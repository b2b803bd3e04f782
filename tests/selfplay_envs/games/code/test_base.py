"""What the code games share: the proposer's credit, every named reason, options, keywords and equality."""

import json

import gymnasium
import pytest

from selfplay_envs import (
    IDENTITY,
    CodeTask,
    Match,
    Reply,
    Slot,
    Start,
    UsageError,
    differences,
    play_episode,
    register_game,
    rejudge,
    replay,
)
from selfplay_envs.games.code.deduction import Deduction
from selfplay_envs.replies.parsing import fence
from tests.helpers.code_games import DOUBLE, credits_of, played


@pytest.mark.parametrize(("right", "credit"), [(0, -0.5), (1, 0.75), (2, 0.5), (3, 0.25), (4, -0.5)])
def test_the_proposer_is_paid_one_minus_the_solve_rate(referee, right, credit):
    answers = [fence("output", "6")] * right + [fence("output", "0")] * (4 - right)
    assert credits_of(played("SelfPlay/Deduction-v0", DOUBLE, answers, referee))[0] == credit


def test_learnability_and_its_floor_are_keywords(referee):
    answers = [fence("output", "6")] * 3 + [fence("output", "0")]
    assert credits_of(played("SelfPlay/Deduction-v0", DOUBLE, answers, referee, learnability="half_peak"))[0] == 0.5
    all_right = [fence("output", "6")] * 4
    assert credits_of(played("SelfPlay/Deduction-v0", DOUBLE, all_right, referee, extreme_credit=0.0))[0] == 0.0


@pytest.mark.parametrize(
    ("program", "given", "reason"),
    [
        ("def f(a):\n    return a  # mine", "1", "copied_reference"),
        ("def f(x)\n    return x", "1", "syntax_error"),
        ("def g(x):\n    return x", "1", "no_entry_point"),
        ("def f():\n    return 1", "", "no_parameter"),
        ("import random\ndef f(x):\n    return x", "1", "banned_import"),
        ("def f(x):\n    from os import path\n    return x", "1", "banned_import"),
        ("def f(x):\n    return x + 1", "range(3)", "input_not_literal"),
        ("def f(x):\n    return x + 1", "1) or f(2", "input_not_literal"),
        ("def f(x):\n    return x + 1", "1 / 0", "input_raised"),
        ("def f(x):\n    return x + 1", "id(object())", "input_nondeterministic"),
        ("def f(x):\n    return x + 1", "'a' * 3000", "input_too_long"),
        ("def f(x):\n    return x + 1", "'" + "a" * 3000 + "'", "input_too_long"),
        ("def f(x):\n    return x + 1", "'a'", "program_exception"),
        ("def f(x):\n    while True: pass", "1", "program_timeout"),
        ("def f(x):\n    return [0] * 10 ** 10", "1", "program_memory"),
        ("def f(x):\n    return lambda: x", "1", "program_not_serialisable"),
        ("def f(x):\n    return str(id(object()))", "1", "program_nondeterministic"),
        ("def f(x):\n    return 'a' * 5000", "1", "gold_too_long"),
        ("def f(x):\n    return 'a' * 500000", "1", "program_output_too_large"),
        ("#" * 9000 + "\ndef f(x):\n    return x", "1", "program_too_long"),
    ],
)
def test_a_bad_proposal_is_refused_with_its_reason(referee, program, given, reason):
    episode = played("SelfPlay/Deduction-v0", fence("python", program) + "\n" + fence("input", given), [], referee)
    assert [m.verdict.reason for m in episode.messages] == [reason]
    assert credits_of(episode) == [-1.0]
    assert episode.proposed is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_program_block"),
        (fence("python", "def f(x):\n    return 1"), "no_input_block"),
        ("```python\ndef f(x):\n    return 1", "no_program_block"),
        ("\ud800\x00 ``` ```", "no_program_block"),
    ],
)
def test_a_malformed_proposal_is_refused_with_its_reason(referee, text, reason):
    assert played("SelfPlay/Abduction-v0", text, [], referee).messages[0].verdict.reason == reason


def test_a_proposers_expression_is_stored_and_shown_as_the_literal_it_evaluates_to(referee):
    proposal = fence("python", "def f(xs, k):\n    return xs[k]") + "\n" + fence("input", "list(range(5)), k=1 + 1")
    episode = played("SelfPlay/Deduction-v0", proposal, [fence("output", "2")], referee)
    assert episode.proposed["inputs"] == ("[0, 1, 2, 3, 4], k=2",)
    assert fence("input", "[0, 1, 2, 3, 4], k=2") in episode.messages[1].messages[0].content
    assert credits_of(episode)[1] == 1.0


@pytest.mark.parametrize(
    ("env_id", "right_if_python"),
    [
        ("SelfPlay/Deduction-v0", [fence("output", "[True, 0.0]"), fence("output", "[1.0, False]")]),
        ("SelfPlay/Abduction-v0", [fence("input", "[True, 0]"), fence("input", "[1, 0.0]")]),
        ("SelfPlay/Induction-v0", [fence("python", "def f(x):\n    return [float(n) for n in x]")] * 2),
    ],
)
def test_strict_equality_tells_types_apart_in_every_game(referee, env_id, right_if_python):
    task = CodeTask(program="def f(x):\n    return x", inputs=("[1, 0]", "[1, 2]"), outputs=("[1, 0]", "[1, 2]"))
    exact = {"SelfPlay/Deduction-v0": fence("output", "[1, 0]"), "SelfPlay/Abduction-v0": fence("input", "[1, 0]")}
    answers = [*right_if_python, exact.get(env_id, fence("python", task.program))]
    options = {"task": task.to_json()}
    assert credits_of(played(env_id, "", answers, referee, options)) == [1.0, 1.0, 1.0]
    assert credits_of(played(env_id, "", answers, referee, options, equality="python")) == [1.0, 1.0, 1.0]
    strict = played(env_id, "", answers, referee, options, equality="strict")
    assert credits_of(strict) == [-0.5, -0.5, 1.0]
    restored = type(strict).from_json(json.loads(json.dumps(strict.to_json())))
    assert differences(restored, replay(restored)) == []
    assert differences(restored, rejudge(restored, referee)) == []


def test_helper_functions_classes_and_imports_are_allowed(referee):
    box = "class Box:\n    def __init__(self, v):\n        self.v = v\n"
    program = f"import math\n{box}\ndef helper(b):\n    return math.floor(b.v)\n\ndef f(x):\n    return helper(Box(x))"
    episode = played(
        "SelfPlay/Deduction-v0", fence("python", program) + "\n" + fence("input", "2.5"), [fence("output", "2")], referee
    )
    assert episode.messages[1].credit == 1.0


def test_a_task_in_the_options_starts_at_the_solvers(referee):
    task = CodeTask(program="def f(x):\n    return x + 1", inputs=("1",), outputs=("2",))
    episode = played("SelfPlay/Deduction-v0", "never asked", [fence("output", "2")], referee, {"task": task.to_json()})
    assert [m.slot.role for m in episode.messages] == ["solver"]
    assert episode.proposed is None
    assert episode.messages[0].task_id == task.task_id


def test_a_thinking_reply_counts_only_inside_its_answer_tag(referee):
    text = f"<think>maybe {fence('output', '7')}</think><answer>\n{fence('output', '6')}\n</answer>"
    assert played("SelfPlay/Deduction-v0", DOUBLE, [text], referee).messages[1].credit == 1.0


def test_masked_malformed_messages_do_not_train(referee):
    episode = played("SelfPlay/Deduction-v0", DOUBLE, ["junk", fence("output", "6")], referee, malformed="mask")
    assert [m.verdict.train for m in episode.messages] == [True, False, True]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"attempts": 0}, "attempts=0"),
        ({"style": "loud"}, "style='loud'"),
        ({"learnability": "magic"}, "learnability='magic'"),
        ({"malformed": "shrug"}, "malformed='shrug'"),
        ({"extreme_credit": float("nan")}, "extreme_credit=nan is not a finite number"),
        ({"wrong_credit": "low"}, "wrong_credit='low' is not a finite number"),
        ({"malformed_credit": True}, "malformed_credit=True is not a finite number"),
        ({"equality": "loose"}, "equality='loose' is not known; choose python or strict"),
        ({"colour": "red"}, "no keyword 'colour'"),
    ],
)
def test_a_wrong_keyword_gets_one_clear_sentence(kwargs, words):
    with pytest.raises(ValueError, match=words):
        Match(Start("SelfPlay/Deduction-v0", 0, kwargs))


@pytest.mark.parametrize("task", [{"program": "x"}, {"program": 1, "inputs": ["1"], "outputs": ["1"]}, 7])
def test_a_wrong_task_gets_one_clear_sentence(task):
    with pytest.raises(UsageError, match=r"options\['task'\]"):
        Match(Start("SelfPlay/Deduction-v0", 0, {}, {"task": task}))


def test_without_references_the_identity_triplet_is_shown():
    match = Match(Start("SelfPlay/Deduction-v0", 0, {"style": "terse"}))
    assert IDENTITY.program in match.pending_prompts()[0].messages[0].content


class Short(Deduction):
    """Takes only short programs as given tasks."""

    def check_task(self, task):
        if len(task.program) > len(IDENTITY.program):
            raise UsageError("options['task'] has a long program.")
        return task


def test_a_given_task_is_checked_and_a_proposed_one_is_not(referee, request):
    register_game("TaskCheck/Short-v0", f"{__name__}:Short")
    request.addfinalizer(lambda: gymnasium.registry.pop("TaskCheck/Short-v0"))
    episode = played("TaskCheck/Short-v0", DOUBLE, [fence("output", "6")], referee)
    assert credits_of(episode)[1] == 1.0
    with pytest.raises(UsageError, match="long program"):
        Match(Start("TaskCheck/Short-v0", 0, {}, {"task": episode.proposed}))


@pytest.mark.parametrize("style", ["full", "terse"])
@pytest.mark.parametrize(
    ("env_id", "gold"),
    [
        ("SelfPlay/Deduction-v0", fence("output", "6")),
        ("SelfPlay/Abduction-v0", fence("input", "3")),
        ("SelfPlay/Induction-v0", fence("python", "def f(x):\n    return 2 * x")),
    ],
)
def test_the_gold_reply_is_right_and_worded_as_the_prompt_asks(referee, env_id, gold, style):
    pairs = {"inputs": ["3", "4"], "outputs": ["6", "8"]} if "Induction" in env_id else {"inputs": ["3"], "outputs": ["6"]}
    options = {"task": {"program": "def f(x):\n    return 2 * x", "message": "doubles", **pairs}}
    start = Start(env_id, 0, {"attempts": 1, "style": style}, options)
    [slot] = Match(start).waiting
    reply = Match(start).game.gold_reply(slot)
    assert reply == (gold if style == "terse" else f"<answer>\n{gold}\n</answer>")
    [turn] = play_episode(start, lambda prompts: [Reply(text=reply) for _ in prompts], referee).messages
    assert (turn.verdict.valid, turn.verdict.score) == (True, 1.0)
    assert Match(Start(env_id, 0)).game.gold_reply(Slot("proposer", 0, 0)) is None  # of a proposal there is none
