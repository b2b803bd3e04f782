"""Scorers of reasoning-gym in the sandbox: honest ones, ones that evaluate the answer, and a problem that has changed."""

import pytest

from sandboxes import Limits
from selfplay_envs import Referee
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier
from selfplay_envs.verifiers.reasoning_gym import check_reasoning_gym

NAMES = ("chain_sum", "spiral_matrix", "simple_integration")


@pytest.fixture(scope="module")
def problems():
    return list(open_source(f"reasoning-gym:{'+'.join(NAMES)}:size=6,seed=5").read())


def found(sandbox, checks):
    return [answered.value for answered in Referee(sandbox, strict=True).answer(checks)]


def test_gold_is_right_exchanged_is_wrong_and_attacks_are_nothing(sandbox, problems):
    judge = find_answer_verifier("reasoning-gym")
    golds = [problem.answer for problem in problems]
    assert found(sandbox, [judge.check(problem, gold) for problem, gold in zip(problems, golds, strict=True)]) == ["right"] * 6
    exchanged = zip(problems, golds[3:] + golds[:3], strict=True)
    assert found(sandbox, [judge.check(problem, gold) for problem, gold in exchanged]) == ["wrong"] * 6
    _, spiral, integral, *_ = problems
    harm = ("open('selfplay-attack', 'w').write('x')", "__import__('os')._exit(0)", "print(1)", "[].__class__", "(" * 3_000)
    attacks = [judge.check(problem, f"[{text}]") for problem in (spiral, integral) for text in harm]
    attacks += [judge.check(integral, text) for text in harm]
    assert set(found(sandbox, attacks)) == {"wrong"}


def test_an_answer_that_only_repeats_the_task_is_wrong(sandbox, problems):
    """`Integral(f, x)` is an antiderivative of `f`, says sympy; it solves nothing."""
    [integral] = [problem for problem in problems if problem.id == "simple_integration/0"]
    integrand = integral.fields["question"].partition("\u222b ")[2].partition(" dx")[0]
    variable = "x" if "x" in integrand else "X"
    assert variable in integrand
    judge = find_answer_verifier("reasoning-gym")
    answers = (f"Integral({integrand}, {variable})", f"{integral.answer} + 5", f"{integral.answer} + {variable}")
    assert found(sandbox, [judge.check(integral, answer) for answer in answers]) == ["wrong", "right", "wrong"]


def test_thresholds_hanging_answers_and_problems_that_have_changed(sandbox, problems):
    total, spiral, *_ = problems
    entry = {**total.data, "question": total.fields["question"]}
    close = f"It is {total.answer}."  # a part of the score
    anew = {**entry, "metadata": ""}
    other = {**anew, "question": "something else"}
    checks = [
        check_reasoning_gym(entry, total.answer, close),
        check_reasoning_gym(entry, total.answer, close, threshold=0.1),
        check_reasoning_gym(anew, total.answer, total.answer),
        check_reasoning_gym(other, total.answer, total.answer),
        check_reasoning_gym(entry, total.answer, "x" * 5_001),
        check_reasoning_gym(
            {**spiral.data, "question": spiral.fields["question"]},
            spiral.answer,
            "10**10**10",
            limits=Limits(cpu_s=1.5, wall_s=15, memory_mib=512),
        ),
    ]
    assert found(sandbox, checks) == ["wrong", "right", "right", "gold_changed", "answer_too_long", "answer_timeout"]


def test_scorers_that_take_wrong_answers_for_right_are_made_stricter(sandbox):
    """In version 0.1.25, `False` is as good as `True` in one dataset, and any four numbers that make 24 do in another."""
    halting, puzzle = open_source("reasoning-gym:game_of_life_halting+puzzle24:size=2,seed=0").read()
    judge = find_answer_verifier("reasoning-gym")
    opposite = {"True": "False", "False": "True"}[halting.answer]
    checks = [judge.check(halting, text) for text in (halting.answer, opposite)]
    checks += [judge.check(puzzle, text) for text in (puzzle.answer, "4*6*1/1", "1+1+1+1")]
    assert found(sandbox, checks) == ["right", "wrong", "right", "wrong", "wrong"]


def test_nan_is_no_answer(sandbox):
    """The distance to NaN is NaN, and `min(1.0, nan)` is 1.0."""
    [problem] = open_source("reasoning-gym:complex_arithmetic:size=1,seed=1").read()
    judge = find_answer_verifier("reasoning-gym")
    answers = ["nan", "NaN", "nanj", "1+nanj", "-nan", problem.answer]
    assert found(sandbox, [judge.check(problem, answer) for answer in answers]) == ["wrong"] * 5 + ["right"]
