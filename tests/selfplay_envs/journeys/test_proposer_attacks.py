"""Attacks of players on whole games: credit that is not earned, charges that are not deserved, and wasted time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from agents.config.run import EvalConfig, GameMix
from agents.evaluation.evaluate import EvalResult, evaluate
from agents.rollouts.curriculum import Curriculum
from sandboxes import Job, Purity, purity_of
from selfplay_envs import CodeTask, Match, Message, Referee, Reply, Slot, Start, advance, play_episodes
from selfplay_envs.core.records import Episode
from selfplay_envs.games.code.deduction import Deduction
from selfplay_envs.replies.parsing import fence
from selfplay_envs.verifiers.code_tasks import check_input, validate
from selfplay_envs.verifiers.findings import NONDETERMINISTIC

DEDUCTION, ABDUCTION, INDUCTION = (f"SelfPlay/{name}-v0" for name in ("Deduction", "Abduction", "Induction"))
PANEL = [fence("input", str(number)) for number in range(4, 12)]
SANDBOXES = ["process:workers=2,cache=0", "process:workers=2", "process:workers=2,engine=auto"]
DOUBLE = {
    "program": "def f(x):\n    return x * 2",
    "inputs": ["1", "2", "3", "4"],
    "outputs": ["2", "4", "6", "8"],
    "message": "m",
}


@pytest.fixture(scope="module")
def referee() -> Referee:
    return Referee("process:workers=2", strict=True)


def play(referee: Referee, env_id: str, proposal: str, answers: Sequence[str], **options: Any) -> Episode:
    start = Start(env_id, 0, {"attempts": len(answers), "style": "terse"}, options)

    def act(asks):
        return [Reply(text=proposal if ask.slot.role == "proposer" else answers[ask.slot.attempt]) for ask in asks]

    [episode] = play_episodes([start], act, referee)
    return episode


def pair(program: str, given: str) -> str:
    return fence("python", program) + "\n" + fence("input", given)


# Programs that are taken for functions of their arguments, and are not: one run is believed, in every sandbox.

IMPURE = {
    "a set made by operator.or_": (
        "from operator import or_\ndef f(x):\n    d = dict.fromkeys(x)\n    return list(or_(d.keys(), d.keys()))"
    ),
    "a set made by reduce": (
        "from operator import and_\nfrom functools import reduce\n"
        "def f(x):\n    d = dict.fromkeys(x)\n    return list(reduce(and_, [d.keys(), d.keys()]))"
    ),
    "a set out of a tuple of classes": "def f(x):\n    return list((set, int)[0](x))",
    "a set by another name": "def f(x):\n    y: int = set\n    return list(y(x))",
    "an address by operator.mod": "from operator import mod\ndef g():\n    pass\ndef f(x):\n    return mod('%s', g)",
    "an address by reduce": (
        "from operator import mod\nfrom functools import reduce\ndef g():\n    pass\n"
        "def f(x):\n    return reduce(mod, ['%s', g])"
    ),
    "the address of a scanner": "import re\ndef f(x):\n    return str(re.compile('a').scanner('a'))",
}
WORDS = "['a', 'b', 'c', 'd', 'e']"


@pytest.mark.parametrize("name", IMPURE)
def test_no_program_is_pure_that_is_not(name: str) -> None:
    assert purity_of(Job(program=IMPURE[name], calls=(WORDS,), determinism=True)) is not Purity.PURE


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("name", IMPURE)
def test_what_hash_order_and_addresses_decide_is_no_task(name: str, sandbox: str) -> None:
    found = Referee(sandbox, strict=True).answer([validate(IMPURE[name], [WORDS])])[0].value
    assert found == "program_nondeterministic"


def test_another_run_does_not_charge_for_the_hash_order_of_the_first() -> None:
    """The solver answers with the very input of the task, in a run with other hash seeds."""
    program, verdicts = IMPURE["a set out of a tuple of classes"], set[str]()
    task = Referee("process:workers=1", strict=True).answer([validate(program, [WORDS])])[0].value
    if isinstance(task, CodeTask):
        for spec in SANDBOXES:
            verdicts.add(Referee(spec, strict=True).answer([check_input(task, WORDS)])[0].value)
    assert "wrong" not in verdicts


# What the clock and the machine say, which nobody who solves can know.

STATE = "def f(x):\n    if x == 3:\n        return 'A'\n    return 'AB'[({coin} + x) % 2]"
COINS = {
    "the second": "int(__import__('time').time())",
    "the minute": "int(__import__('time').time() // 60)",
    "the hour": "__import__('time').localtime().tm_hour",
    "the day, through random": "__import__('random').Random(int(__import__('time').time() // 86400)).getrandbits(8)",
    "how long the machine is up": "int(__import__('time').clock_gettime(7) // 60)",
    "the load": "int(__import__('os').getloadavg()[0])",
    "the host's name": "sum(map(ord, __import__('os').uname().nodename))",
    "a file's time": "int(__import__('os').stat('/dev/null').st_ctime)",
    "the address of a class": "id(int) // 4096",
    "the place of an object in its page": "id(object()) // 16",
    "the memory in use": "__import__('resource').getrusage(0).ru_maxrss // 4096",
}


@pytest.mark.parametrize("name", COINS)
def test_a_proposer_earns_nothing_by_the_clock_or_the_machine(referee: Referee, name: str) -> None:
    proposal = pair(STATE.format(coin=COINS[name]), "3")
    assert all(play(referee, ABDUCTION, proposal, PANEL).messages[0].credit <= 0 for _ in range(3))


HELD = {
    "bytes of chance": "__import__('os').urandom(1)[0]",
    "a fine clock": "__import__('time').time_ns() // 100",
    "an address": "id([]) // 64",
    "a hash": "hash('a tide in the affairs')",
    "a uuid": "__import__('uuid').uuid4().int",
    "the time of the processor": "__import__('time').process_time_ns() // 1000",
    "the number of the process": "__import__('os').getpid()",
}


@pytest.mark.parametrize("name", HELD)
def test_a_proposer_earns_nothing_by_chance(referee: Referee, name: str) -> None:
    assert play(referee, ABDUCTION, pair(STATE.format(coin=HELD[name]), "3"), PANEL).messages[0].credit <= 0


@pytest.mark.parametrize(
    "given", ["__import__('os').urandom(1)[0]", "__import__('time').time_ns()", "id(object())", "hash('a')"]
)
def test_inputs_by_chance_are_refused(referee: Referee, given: str) -> None:
    proposal = pair("def f(x):\n    return x", given).replace("return x", "return [x]")
    assert play(referee, DEDUCTION, proposal, [fence("output", "1")]).messages[0].verdict.reason == "input_nondeterministic"


# Void is for what is nobody's fault; here it is the solver's choice.

CHANCE = "def f(x):\n    return hash('a') + id([]) + x"
ORDER = "def f(x):\n    return list({'a', 'b', 'c', 'd', str(x)})"
PICKY = {
    "program": "def f(x):\n    return sorted(x) if len(x) < 2 else list(set(x))",
    "inputs": ["'a'"],
    "outputs": ["['a']"],
    "message": "",
}


@pytest.mark.parametrize("program", [CHANCE, ORDER])
def test_a_solver_is_charged_for_its_own_nondeterminism(referee: Referee, program: str) -> None:
    [message] = play(referee, INDUCTION, "", [fence("python", program)], task=DOUBLE).messages
    assert (message.credit, message.masked) == (-0.5, False)


class Saying:
    """A sampler that replies with these texts in turn."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def generate(self, prompts, sampling, seeds):
        return [[Reply(text=self.texts[row % len(self.texts)]) for _ in group] for row, group in enumerate(seeds)]


def test_an_evaluation_counts_answers_that_chance_decides_as_wrong(referee: Referee) -> None:
    """One of eight is right; the others do not say the same twice."""
    texts = [fence("python", DOUBLE["program"]), *[fence("python", CHANCE)] * 7]  # type: ignore[list-item]
    sampler: Any = Saying(texts)
    scores = evaluate(sampler, referee, {INDUCTION: [DOUBLE]}, EvalConfig(samples=8)).scores()
    assert scores[f"{INDUCTION}/pass@1"] == pytest.approx(1 / 8)


def test_no_answer_ends_an_evaluation(referee: Referee) -> None:
    sampler: Any = Saying([fence("python", ORDER)])
    scores = evaluate(sampler, referee, {INDUCTION: [DOUBLE]}, EvalConfig(samples=1)).scores()
    assert scores[f"{INDUCTION}/pass@1"] == 0.0


@pytest.mark.filterwarnings("error")
def test_scores_are_numbers_where_every_problem_has_a_void_sample() -> None:
    scores = EvalResult({"g": np.array([[1, np.nan], [np.nan, 0]])}).scores()
    assert not any(np.isnan(value) for value in scores.values())


def test_a_task_that_chance_decides_somewhere_is_one_for_nobody(referee: Referee) -> None:
    """It is the same every time for its own input, but not for one that a solver chose."""
    curriculum = Curriculum([GameMix(env_id=ABDUCTION)], 0)
    curriculum.buffers[ABDUCTION].add(PICKY)
    episode = play(referee, ABDUCTION, "", [fence("input", "'abcdef'"), fence("input", "'a'")], task=PICKY)
    assert [(one.void, one.credit) for one in episode.messages] == [(NONDETERMINISTIC, 0.0), ("", 1.0)]
    curriculum.admit([episode])
    assert len(curriculum.buffers[ABDUCTION]) == 0


class Odd(Deduction):
    """A game that cannot show its tasks."""

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        if slot.role == "solver":
            raise ZeroDivisionError
        return super().prompt(slot)


def test_an_abandoned_episode_proposes_nothing() -> None:
    match = Match(Start(DEDUCTION, 0, {"attempts": 1}), Odd(attempts=1))
    text = pair("def f(x):\n    return [x]", "1")
    advance([(match, prompt.slot, Reply(text=text)) for prompt in match.pending_prompts()], Referee("process:workers=2"))
    episode = match.episode({})
    assert [message.void for message in episode.messages] == ["internal_error"]
    assert episode.proposed is None


def test_a_lone_surrogate_is_shown_to_nobody(referee: Referee) -> None:
    """No tokenizer takes one."""
    shown: list[str] = []

    def act(asks):
        shown.extend(message.content for ask in asks for message in ask.messages)
        said = "\n".join([fence("input", "1"), fence("input", "2"), fence("message", "add \ud800 up")])
        return [Reply(text=said) for _ in asks]

    play_episodes([Start(INDUCTION, 0, {"attempts": 1, "num_inputs": 2})], act, referee)
    assert not any("\ud800" in text for text in shown)


# Time of the host.

TIMES = {
    "dicts of one hash in hash order": (
        "from itertools import product\ndef f(x):\n    if x == 3:\n        return 1\n"
        "    keys = list(product((-1, -2), repeat=12))[:1150]\n    keys.sort(key=lambda t: hash(str(t)))\n"
        "    return {k: x for k in keys}"
    ),
    "dicts in hash order": (
        "def f(x):\n    if x == 3:\n        return 1\n    keys = ['k%d' % i for i in range(4500)]\n"
        "    keys.sort(key=hash)\n    return {k: 0 for k in keys}"
    ),
    "a set of one hash": (
        "from itertools import product\ndef f(x):\n    if x == 3:\n        return 1\n"
        "    return set(list(product((-1, -2), repeat=11))[:1400])"
    ),
    "Decimals": (
        "from decimal import Decimal\ndef f(x):\n    return 1 if x == 3 else {Decimal('%dE+4980' % k) for k in range(2500)}"
    ),
    "Fractions": (
        "from fractions import Fraction\ndef f(x):\n"
        "    return 1 if x == 3 else [Fraction(1, k * 2**61 - k) for k in range(1, 1500)]"
    ),
    "sets in sets": (
        "def f(x):\n    if x == 3:\n        return 1\n    v = frozenset()\n    for i in range(60):\n"
        "        v = frozenset([v, i])\n    return v"
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_no_program_holds_up_the_host(name: str) -> None:
    referee = Referee("process:workers=2", strict=True)
    started = time.process_time()
    play(referee, ABDUCTION, pair(TIMES[name], "3"), PANEL[:4])
    assert time.process_time() - started < 6


def induction(referee: Referee, program: str, inputs: Sequence[str], message: str = "m") -> str:
    """What becomes of a proposal of inputs to this program."""
    options = {"references": [{"program": program, "inputs": ["1"], "outputs": ["1"], "message": ""}]}
    start = Start(INDUCTION, 0, {"attempts": 1, "num_inputs": len(inputs), "style": "terse"}, options)
    said = "\n".join([*(fence("input", text) for text in inputs), fence("message", message)])
    return play_episodes([start], lambda asks: [Reply(text=said) for _ in asks], referee)[0].messages[0].verdict.reason


def test_many_long_inputs_are_compared_in_no_time(referee: Referee) -> None:
    started = time.process_time()
    inputs = ["[" + "1," * 980 + f"{number}]" for number in range(64)]
    assert induction(referee, "def f(x):\n    return 1", inputs) == "ok"
    assert time.process_time() - started < 6


@pytest.mark.parametrize(
    ("unit", "most"),
    [
        *((unit, 1.0) for unit in ("```\n", "- a\n", "> - ", "<", "`", " ", "\x00", "\ud800", "\r", "\t", "1. ", "<|a|>```")),
        *((unit, 1.0) for unit in ("<think>```\n</think>\n", "```python\n'''\n", "<answer>```output\n1\n```</answer>\n")),
    ],
)
def test_a_megabyte_is_read_in_no_time(referee: Referee, unit: str, most: float) -> None:
    text = (unit * (1_000_000 // len(unit)))[:1_000_000]
    started = time.process_time()
    assert play(referee, DEDUCTION, text, [text]).messages
    assert time.process_time() - started < 6 * most


# Pairs and messages of induction.

GIVEN = "def f(x):\n    return x * 2 + 1"


@pytest.mark.parametrize(
    ("program", "inputs", "reason"),
    [
        ("def f(x, y=0):\n    return x", ("1", "1, 0"), "repeated_input"),
        ("f = lambda x: x", ("1", "x=1"), "repeated_input"),
        ("if 1:\n    def f(x):\n        return x", ("1", "x=1"), "repeated_input"),
        ("def g(x):\n    return x\nf = g", ("1", "x=1"), "repeated_input"),
        ("def f(x, /, **k):\n    return [x, k]", ("1, x=1", "2, x=1"), "ok"),
        ("def f(x, y):\n    return x", ("x=1, y=2", "y=2, x=1"), "repeated_input"),
        ("def f(*x):\n    return x", ("1", "1"), "repeated_input"),
    ],
)
def test_equal_calls_are_one_and_others_two(referee: Referee, program: str, inputs: tuple[str, ...], reason: str) -> None:
    assert induction(referee, program, inputs) == reason


@pytest.mark.parametrize("message", ["f = lambda x: x * 2 + 1", "def\tf(x):\n    return x * 2 + 1"])
def test_a_message_is_no_program(referee: Referee, message: str) -> None:
    assert induction(referee, GIVEN, ("1", "2"), message) == "message_has_code"
