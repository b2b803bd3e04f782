"""Mathematical answers: what math-verify says in the sandbox, what needs no sandbox, and answers that attack."""

import pytest

from sandboxes import Limits, ScriptedSandbox
from selfplay_envs import Referee
from selfplay_envs.verifiers.math_answer import check_math

QUICK = Limits(cpu_s=1.5, wall_s=15, memory_mib=256)


def found(referee, pairs, **options):
    return [answered.value for answered in referee.answer([check_math(gold, text, **options) for gold, text in pairs])]


WITHOUT_SANDBOX = {
    ("x + 1", "$x+1$."): "right",
    (r"\text{even}", r"\text{even} "): "right",
    (r"\frac{1}{2}", "0.5"): "right",
    ("4.5e33", r"4.5 \times 10^{33}"): "right",
    ("10", "011"): "wrong",
    ("-5", "5"): "wrong",
    ("5", "1" * 301 + "x" * 1_700): "answer_too_long",
}


@pytest.mark.parametrize(("pair", "finding"), WITHOUT_SANDBOX.items(), ids=lambda item: str(item)[:20])
def test_texts_and_numbers_need_no_sandbox(pair, finding):
    assert found(Referee(ScriptedSandbox([]), strict=True), [pair]) == [finding]


def test_a_tolerance_of_numbers_needs_none_either():
    referee = Referee(ScriptedSandbox([]), strict=True)
    assert found(referee, [("1.6e5", "1.59e5")], rel_tol=0.01) == ["right"]
    assert found(referee, [("0.5", "0.4")], abs_tol=0.1) == ["right"]


IN_SANDBOX = {
    ("x+1", "1+x"): "right",
    ("x+1", "y+1"): "wrong",
    ("3, 5", r"\{5, 3\}"): "right",
    ("3, 5", "3"): "wrong",
    (r"2\sqrt{2}", r"\sqrt{8}"): "right",
    ("x=5", "5"): "right",
    (r"\frac{1}{3}", "0.333333"): "right",
    (r"\frac{1}{3}", "0.33"): "wrong",
    ("50", r"50\%"): "right",
    ("5", ""): "answer_unreadable",
    ("5", "}{"): "answer_unreadable",
    ("np.arcsin(1)", "5"): "gold_unreadable",
}
ATTACKS = (
    "__import__('os').system('touch selfplay-attack')",
    r"\text{__import__('os')._exit(0)}",
    "exit()",
    "right",
    "'right'",
    r"5} \boxed{2",
    "1e999999999",
    r"\frac{" * 300,
    "-" * 1_500,
    r"\infty",
    "nan",
    "2,5",
    r"2\text{ or }5",
    r"\sum_{n=1}^{\infty} \frac{1}{n^2}",
)


def test_what_math_verify_says(referee):
    assert dict(zip(IN_SANDBOX, found(referee, IN_SANDBOX), strict=True)) == IN_SANDBOX


def test_attacks_are_never_right(referee):
    findings = found(referee, [("2", attack) for attack in ATTACKS], limits=QUICK)
    assert set(findings) <= {"wrong", "answer_unreadable", "answer_timeout"}


def test_an_answer_that_hangs_is_its_players(referee):
    assert found(referee, [("2", r"9^{9^{9^9}}")], limits=QUICK) == ["answer_timeout"]


def test_options(referee):
    assert found(referee, [("x+1", "y+1")], strict=False) == ["right"]
    near = [(r"2\pi", "6.3"), (r"2\pi", "6.4"), (r"\sqrt{2}, 5", "5, 1.42"), (r"x=\sqrt{2}", "1.42")]
    assert found(referee, near, rel_tol=0.01) == ["right", "wrong", "right", "right"]
