"""Outputs of references are computed once, survive the process, and are computed anew where what was kept is damaged."""

import json

import pytest

from sandboxes import CallOutcome, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee
from selfplay_envs.verifiers.reference.outputs import BEYOND, forget_outputs, reference_outputs

HALF = "def half(x):\n    return x / 2"
CALLS = ("1", "4")


def outputs(referee, program=HALF, calls=CALLS, name="half"):
    """The outputs, and whether the sandbox was asked."""
    [answered] = referee.answer([reference_outputs(program, name, calls)])
    return answered.value, bool(answered.results)


def test_outputs_are_computed_once(own_cache, referee):
    assert outputs(referee) == (("0.5", "2.0"), True)
    assert outputs(referee) == (("0.5", "2.0"), False)
    forget_outputs()
    assert outputs(referee) == (("0.5", "2.0"), False)
    assert outputs(referee, calls=("4",)) == (("2.0",), True)
    assert outputs(referee, HALF + " + 1") == (("1.5", "3.0"), True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-5],
        lambda text: text.replace("0.5", "0.6"),
        lambda text: "{}",
        lambda text: "[]",
        lambda text: json.dumps({**json.loads(text), "outputs": ["0.5"]}),
        lambda text: "\udcff",
    ],
)
def test_a_damaged_file_is_computed_and_written_anew(own_cache, referee, damage):
    outputs(referee)
    [file] = (own_cache / "selfplay" / "references").iterdir()
    whole = file.read_text(encoding="utf-8")
    file.write_bytes(damage(whole).encode("utf-8", "surrogateescape"))
    forget_outputs()
    assert outputs(referee) == (("0.5", "2.0"), True)
    assert [path.read_text(encoding="utf-8") for path in file.parent.iterdir()] == [whole]


def test_what_has_no_text(own_cache, referee):
    program = """
import re
def f(x):
    if x == 0:
        return re.match("a", "a")
    if x == 1:
        return "a" * (2 << 20)
    if x == 2:
        return [0] * (1 << 30)
    return float("nan")
"""
    assert outputs(referee, program, ("0", "1", "2", "3"), "f")[0] == (None, BEYOND, BEYOND, None)


@pytest.mark.parametrize("program", ["def half(x):\n    return 1 / 0", "def half(x) return", "def other(x): pass"])
def test_a_reference_that_does_not_return_is_void_and_not_kept(own_cache, referee, program):
    assert outputs(referee, program)[0] == "gold_changed"
    assert not (own_cache / "selfplay").exists()


def test_a_lost_sandbox_is_void_and_not_kept(own_cache):
    lost = Outcome.uniform(Status.WORKER_LOST, 2)
    assert outputs(Referee(ScriptedSandbox(lambda job: lost)))[0] == "worker_lost"
    answer = Outcome.of([CallOutcome(status=Status.OK, value=text) for text in ("1", "2")])
    assert outputs(Referee(ScriptedSandbox(lambda job: answer))) == (("1", "2"), True)


def test_a_folder_that_cannot_be_written_costs_a_warning(own_cache, referee):
    (own_cache / "selfplay").write_text("in the way")
    with pytest.warns(UserWarning, match="set XDG_CACHE_HOME to another folder"):
        assert outputs(referee)[0] == ("0.5", "2.0")
    assert outputs(referee) == (("0.5", "2.0"), False)
