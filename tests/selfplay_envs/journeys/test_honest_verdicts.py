"""Whole games against proposers who would be paid for luck, company or memory; and what becomes of failures that are ours."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import pairwise

import gymnasium as gym
import pytest

from sandboxes import CallOutcome, Job, Outcome, ScriptedSandbox, Status, open_sandbox
from selfplay_envs import (
    CodeTask,
    JudgeItem,
    Message,
    Referee,
    Reply,
    ScriptedPlayer,
    Start,
    play_episode,
    play_episodes,
    replay,
)
from selfplay_envs.core.game import Game, Verdict
from selfplay_envs.core.messages import Slot
from selfplay_envs.core.records import Episode
from selfplay_envs.play.task_check import recheck
from selfplay_envs.replies.parsing import fence
from selfplay_envs.verifiers.code_tasks import check_input, check_output, check_program, validate
from selfplay_envs.verifiers.findings import GOLD_CHANGED, NONDETERMINISTIC, VOID

DEDUCTION, ABDUCTION, INDUCTION = (f"SelfPlay/{name}-v0" for name in ("Deduction", "Abduction", "Induction"))
GAMES = 20
PANEL = [str(number) for number in range(4, 12)]
SEEDS = ",hash-seeds=11+12+13+14+15+16+17+18"  # of eight others, one bit of a hash may be the same under all
SANDBOXES = ["process:workers=2,cache=0", "process:workers=2", "process:workers=2,engine=auto"]
SANDBOXES += [pytest.param(f"docker:workers=1{rest}", marks=pytest.mark.docker) for rest in ("", ",engine=auto")]  # type: ignore[list-item]


@pytest.fixture(params=SANDBOXES)
def referee(request: pytest.FixtureRequest) -> Iterator[Referee]:
    if request.param.startswith("docker"):
        request.getfixturevalue("docker_engine")
    sandbox = open_sandbox(request.param + SEEDS)
    yield Referee(sandbox, strict=True)
    if "engine=auto" in request.param:  # whoever counts the engine's processes finds none of ours
        sandbox.close()


def play(referee: Referee, env_id: str, proposal: str, answers: list[str], games: int = GAMES) -> list[Episode]:
    """`games` games at once, the panel giving these answers."""
    starts = [Start(env_id, seed, {"attempts": len(answers), "style": "terse"}) for seed in range(games)]

    def act(asks):
        return [Reply(text=proposal if ask.slot.role == "proposer" else answers[ask.slot.attempt]) for ask in asks]

    return play_episodes(starts, act, referee)


def pair(program: str, given: str) -> str:
    return fence("python", program) + "\n" + fence("input", given)


TOSS = "def f(x):\n    if x == 3:\n        return 'A'\n    return 'A' if {coin} else 'B'"
TRICKS = {
    "random bytes": TOSS.format(coin="__import__('os').urandom(1)[0] % 2"),
    "a clock": TOSS.format(coin="int(__import__('time').time() * 1e7) % 2"),
    "a counter of the processor": TOSS.format(coin="__import__('time').process_time_ns() // 100 % 2"),
    "an address": TOSS.format(coin="id(object()) // 16 % 2"),
    "an address in text": TOSS.format(coin="int(str(lambda: 0)[-4:-1], 16) // 16 % 2"),
    "the generator of random": TOSS.format(coin="__import__('random').random() < 0.5"),
    "a hash": TOSS.format(coin="hash('a tide in the affairs') % 2"),
    "a coin for each process": (
        "import math\ndef f(x):\n    if x == 3:\n        return 'A'\n    if not hasattr(math, 'coin'):\n"
        "        math.coin = __import__('os').urandom(1)[0] % 2\n    return 'AB'[(math.coin + x) % 2]"
    ),
    "functions by place": "def g(): pass\ndef h(): pass\ndef f(x):\n    return id(f) - id(g) < -1000",
    "the first call of its process": "import math\ndef f(x):\n    math.n = getattr(math, 'n', 0) + 1\n    return math.n",
    "a pattern that reads the globals": (
        "def g(): pass\ndef f(x):\n    match g:\n        case object(__globals__=names):\n"
        "            names['n'] = names.get('n', 0) + 1\n            return names['n']"
    ),
    "a pattern that climbs frames": (
        "def f(x):\n    match (y for y in [1]):\n        case object(gi_frame=frame):\n            pass\n"
        "    match frame:\n        case object(f_builtins=names):\n            names['n'] = names.get('n', 0) + 1\n"
        "            return names['n']"
    ),
    "a function made of code": (
        "def g():\n    return n\ndef f(x):\n    h = type(f)(g.__code__.replace(co_name='h'), {'n': id(x)})\n    return h() % 32"
    ),
}


@pytest.mark.parametrize("name", TRICKS)
def test_a_proposer_earns_nothing_by_chance_or_company(referee: Referee, name: str) -> None:
    given = "3"
    episodes = play(referee, ABDUCTION, pair(TRICKS[name], given), [fence("input", text) for text in PANEL])
    assert [episode for episode in episodes if episode.messages[0].credit > 0] == []
    for episode in episodes:
        solvers = episode.messages[1:]
        assert all(one.credit == 0 and one.masked and one.void in VOID for one in solvers if one.verdict.void)
        if any(one.void == NONDETERMINISTIC for one in solvers):
            assert episode.messages[0].masked
            assert episode.messages[0].void == NONDETERMINISTIC
            assert episode.proposed is None


def test_an_honest_proposer_is_paid_as_ever(referee: Referee) -> None:
    program = "def f(x):\n    if x == 3:\n        return 'A'\n    return 'A' if x % 2 else 'B'"
    for episode in play(referee, ABDUCTION, pair(program, "3"), [fence("input", text) for text in PANEL]):
        assert episode.messages[0].credit == 0.5
        assert [one.credit for one in episode.messages[1:]] == [-0.5, 1.0] * 4
        assert not any(one.masked or one.void for one in episode.messages)


def agreeing_words() -> list[str]:
    """Words whose hash is the same, modulo 8, under the seeds 0, 1 and 2, which were everybody's once."""
    import subprocess
    import sys

    script = "print(*[hash(f'word{n}') % 8 for n in range(600)])"
    rows = [
        subprocess.run(
            [sys.executable, "-S", "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.split()
        for seed in "012"
    ]
    return [f"word{n}" for n, values in enumerate(zip(*rows, strict=True)) if len(set(values)) == 1]


def test_learned_hashes_are_worth_nothing(referee: Referee) -> None:
    words = agreeing_words()[:4]
    assert words
    for first, second in pairwise(words):
        program = f"def f(x):\n    return [hash({first!r}) % 8, hash({second!r}) % 8, x]"
        answers = [fence("output", f"[{number}, {number}, 1]") for number in range(8)]
        for episode in play(referee, DEDUCTION, pair(program, "1"), answers, games=5):
            assert episode.messages[0].verdict.reason == "program_nondeterministic"
            assert episode.messages[0].credit < 0


def test_hash_seeds_are_drawn_and_recorded() -> None:
    from sandboxes import open_sandbox
    from sandboxes.backends.process import ProcessLauncher
    from sandboxes.pool.sandbox import PooledSandbox

    one, other = (PooledSandbox(ProcessLauncher(), 1).hash_seeds for _ in range(2))
    assert len({*one, *other}) == 16
    assert open_sandbox("process:hash-seeds=8+7+6+5+4+3+2+1").hash_seeds == (8, 7, 6, 5, 4, 3, 2, 1)
    referee = Referee("process:workers=1")
    [episode] = play(referee, DEDUCTION, pair("def f(x):\n    return hash('a') * x", "0"), [fence("output", "0")], games=1)
    assert episode.backend["hash_seeds"] == "+".join(map(str, referee.sandbox.hash_seeds))


def test_sleep_is_refused_in_no_time(referee: Referee) -> None:
    for program in (
        "def f(x):\n    __import__('time').sleep(38)\n    return x",
        "def f(x):\n    return [x, NAP.wait(20)]\nNAP = __import__('threading').Event()",
    ):
        started = time.monotonic()
        [episode] = play(referee, DEDUCTION, pair(program, "1"), [fence("output", "1")], games=1)
        assert episode.messages[0].verdict.reason in ("program_idle", "banned_import")
        assert time.monotonic() - started < 15


# What is ours is charged to nobody.


def losing(program: str) -> ScriptedSandbox:
    """A sandbox that loses every worker that runs `program`; other programs return their argument."""

    def answer(job: Job) -> Outcome:
        if job.program == program:
            return Outcome.uniform(Status.WORKER_LOST, len(job.calls))
        return Outcome.of([CallOutcome(status=Status.OK, value=call) for call in job.calls])

    return ScriptedSandbox(answer)


IDENTITY = "def f(x):\n    return x"
TASK = CodeTask(program=IDENTITY, inputs=("1", "2"), outputs=("1", "2"), message="m")


def test_a_lost_sandbox_is_no_finding() -> None:
    sandbox = ScriptedSandbox(lambda job: Outcome.uniform(Status.WORKER_LOST, len(job.calls)))
    referee = Referee(sandbox, strict=True)
    for check in (
        check_input(TASK, "1"),
        check_program(TASK, IDENTITY),
        validate(IDENTITY, ["1"]),
        validate(IDENTITY, ["[1] * 2"]),
    ):
        assert referee.answer([check])[0].value == "worker_lost"


def test_a_lost_round_trip_is_no_finding() -> None:
    outcomes = [
        Outcome.of([CallOutcome(status=Status.OK, value="1")]),
        Outcome.uniform(Status.WORKER_LOST, 1),
    ]
    assert Referee(ScriptedSandbox(outcomes), strict=True).answer([validate(IDENTITY, ["1"])])[0].value == "worker_lost"


def test_a_lost_proposal_ends_the_episode_without_charge() -> None:
    [episode] = play(Referee(losing(IDENTITY), strict=True), ABDUCTION, pair(IDENTITY, "1"), [fence("input", "1")] * 2, games=1)
    [message] = episode.messages
    assert (message.credit, message.masked, message.void, message.verdict.reason) == (0.0, True, "worker_lost", "worker_lost")
    assert episode.proposed is None
    assert episode.outcome == {}
    assert replay(episode) == episode


def test_lost_attempts_do_not_count() -> None:
    """Of three attempts one is lost: the proposer is paid by the other two."""

    def answer(job: Job) -> Outcome:
        if job.calls == ("7",):
            return Outcome.uniform(Status.WORKER_LOST, 1)
        return Outcome.of([CallOutcome(status=Status.OK, value=call) for call in job.calls])

    sandbox = ScriptedSandbox(answer)
    start = Start(ABDUCTION, 0, {"attempts": 3, "style": "terse"})
    said = iter([pair(IDENTITY, "1"), fence("input", "1"), fence("input", "7"), fence("input", "2")])

    class Apart(Referee):
        """Runs every job by itself, so that one of them can be lost."""

        def _resolve(self, requests):
            return [self.sandbox.run([request])[0] for request in requests]

    episode = play_episode(start, lambda asks: [Reply(text=next(said)) for _ in asks], Apart(sandbox, strict=True))
    proposer, right, lost, wrong = episode.messages
    assert (right.credit, lost.credit, wrong.credit) == (1.0, 0.0, -0.5)
    assert (lost.masked, lost.void) == (True, "worker_lost")
    assert (proposer.credit, proposer.masked) == (0.5, False)
    assert episode.proposed is not None
    assert replay(episode) == episode


def test_a_panel_that_is_lost_as_a_whole_pays_nobody() -> None:
    outcomes = iter([Status.OK, Status.OK])
    answer = lambda job: (  # noqa: E731
        Outcome.of([CallOutcome(status=Status.OK, value="1")])
        if next(outcomes, None) is Status.OK
        else Outcome.uniform(Status.WORKER_LOST, len(job.calls))
    )
    [episode] = play(
        Referee(ScriptedSandbox(answer), strict=True), ABDUCTION, pair(IDENTITY, "1"), [fence("input", "2")] * 3, games=1
    )
    assert [(one.credit, one.masked, one.void) for one in episode.messages] == [(0.0, True, "worker_lost")] * 4


# A task that stops agreeing with its own gold.


def test_a_gold_that_changes_is_void_for_everybody(referee: Referee) -> None:
    task = CodeTask(program="def f(x):\n    return id(f) * 0 + x", inputs=("1", "2"), outputs=("0", "0"))
    for check in (check_output(task, "0"), check_input(task, "1"), check_program(task, IDENTITY)):
        assert referee.answer([check])[0].value == GOLD_CHANGED
    good = CodeTask(program=task.program, inputs=("1", "2"), outputs=("1", "2"))
    for check in (check_output(good, "1"), check_input(good, "1"), check_program(good, IDENTITY)):
        assert referee.answer([check])[0].value == "right"


def test_a_second_later_the_clock_is_another_task() -> None:
    referee = Referee("process:workers=1", strict=True)
    tick_s, said = 1, list[str]()
    while "right" not in said and len(said) < 40:  # a second may end in the middle of it, on a slow machine always
        tick_s *= 1 + (len(said) % 10 == 9)
        program = f"def f(x):\n    return __import__('time').time_ns() // {tick_s * 10**9}"
        task = CodeTask(program=program, inputs=("1",), outputs=(str(int(time.time()) // tick_s),))
        said += [answered.value for answered in referee.answer([check_output(task, task.outputs[0])])]
    assert said[-1] == "right"
    time.sleep(tick_s + 0.1)
    said = []
    while GOLD_CHANGED not in said and len(said) < 20:
        said += [answered.value for answered in referee.answer([check_output(task, task.outputs[0])])]
    assert set(said) <= {"nondeterministic", GOLD_CHANGED}
    assert said[-1] == GOLD_CHANGED
    refusals: list[object] = []
    while "reaches_out" not in refusals and len(refusals) < 20:  # a second may end in the middle of it, here too
        refusals += [referee.answer([recheck(task)])[0].value]
    assert set(refusals) <= {"program_nondeterministic", "reaches_out"}
    assert refusals[-1] == "reaches_out"


def test_inputs_that_are_equal_as_values_are_one() -> None:
    proposal = lambda *inputs: "\n".join([*(fence("input", text) for text in inputs), fence("message", "m")])  # noqa: E731
    for inputs, strict, reason in (
        (("1", "1.0"), "python", "repeated_input"),
        (("[1, 1.0]", "[True, 1]"), "python", "repeated_input"),
        (("{1: 2, 3: 4}", "{3: 4, 1: 2}"), "python", "repeated_input"),
        (("1", "a=1"), "python", "repeated_input"),
        (("1", "1.0"), "strict", "ok"),
        (("1", "2"), "python", "ok"),
        (("'1'", "1"), "python", "ok"),
    ):
        start = Start(INDUCTION, 0, {"attempts": 1, "num_inputs": 2, "equality": strict}, {})
        episode = play_episode(start, ScriptedPlayer([proposal(*inputs), "nothing"]), Referee("process:workers=1"))
        assert episode.messages[0].verdict.reason == reason, inputs


# Whatever a player writes, a batch goes on.

LONG = "0x" + "f" * 3_600
RAISING = [
    f"def f(x):\n    return x + {LONG}",
    f"def f(x):\n    y = [x]\n    y[{LONG} * 0] += 1\n    return y",
    f"def f(x):\n    x[{LONG}] += 1\n    return x",
    f"def f(x):\n    return x[{LONG}].split(1, 2, 3)",
    f"def f(x):\n    return -{LONG} % 7",
    f"def f(x):\n    return f'{{{LONG}:d}}'",
    f"def f(x, y={LONG}):\n    return x",
    f"def f(x: {LONG}):\n    return x",
    "def f(x):\n    return " + "-" * 3_000 + "1",
    "def f(x):\n    return " + "(" * 190 + "x" + ")" * 190,
    "def f(x):\n    return '\\ud800'",
    "def f(x):\n    return 1e400j",
    "\ufeffdef f(x):\n    return x",
]


def test_no_program_ends_a_batch(referee: Referee) -> None:
    for env_id in (DEDUCTION, ABDUCTION):
        for episode in play(referee, env_id, pair(RAISING[0], "1"), [fence("output", LONG), fence("input", LONG)], games=1):
            assert episode.messages
    starts = [Start(DEDUCTION, seed, {"attempts": 1, "style": "terse"}) for seed in range(len(RAISING))]

    def act(asks):
        return [
            Reply(text=pair(RAISING[ask.match.start.seed], "1") if ask.slot.role == "proposer" else fence("output", "1"))
            for ask in asks
        ]

    episodes = play_episodes(starts, act, referee)
    assert len(episodes) == len(RAISING)
    answers = [
        Start(INDUCTION, seed, {"attempts": 1, "style": "terse"}, {"task": TASK.to_json()}) for seed in range(len(RAISING))
    ]
    solved = play_episodes(
        answers, lambda asks: [Reply(text=fence("python", RAISING[a.match.start.seed])) for a in asks], referee
    )
    assert solved[-1].messages[0].verdict.reason == "ok"  # the one with a byte-order mark


class Breaking(Game):
    """Two seats speak in turn; each place in which a game's code can fail fails where the message says so."""

    roles = ("one", "two")

    def reset(self, rng, options):
        self.said: list[Slot] = []

    def pending(self):
        return () if len(self.said) == 2 else (Slot(self.roles[len(self.said)], 0, len(self.said)),)

    def prompt(self, slot):
        if self.said and "prompt" in self.text:
            raise ZeroDivisionError("in prompt")
        return (Message("user", "speak"),)

    def judge(self, slot, text, finish_reason):
        if text == "judge":
            raise ZeroDivisionError("in judge")
        yield []
        if text == "later":
            raise ZeroDivisionError("in judge, later")
        return Verdict(valid=True)

    def apply(self, slot, text, verdict):
        if text == "apply":
            raise ZeroDivisionError("in apply")
        self.text = text
        self.said.append(slot)
        self.credit[slot] = 1.0

    def settle(self):
        if self.text == "settle":
            raise ZeroDivisionError("in settle")
        return
        yield []


@pytest.mark.parametrize("where", ["judge", "later", "apply", "settle", "prompt"])
def test_an_error_of_ours_is_a_void_episode_and_the_others_go_on(where: str, caplog: pytest.LogCaptureFixture) -> None:
    from selfplay_envs.names.registration import register_game

    register_game("Test/Breaking-v0", f"{__name__}:Breaking")
    try:
        referee = Referee(ScriptedSandbox([]))
        starts = [Start("Test/Breaking-v0", seed) for seed in range(3)]
        with caplog.at_level(logging.ERROR, "selfplay_envs"):
            act = lambda asks: [Reply(text=where if a.match.start.seed == 1 else "fine") for a in asks]  # noqa: E731
            episodes = play_episodes(starts, act, referee) + play_episodes(starts[1:2], act, referee)
        assert [[m.credit for m in one.messages] for one in (episodes[0], episodes[2])] == [[1.0, 1.0]] * 2
        for broken in (episodes[1], episodes[3]):
            assert [(m.credit, m.masked, m.void) for m in broken.messages] == [(0.0, True, "internal_error")]
            assert broken.outcome == {}
        assert referee.faults.total == 2
        [record] = caplog.records  # the second time it is only counted
        assert record.exc_info is not None
        assert "ZeroDivisionError" in record.message
        with pytest.raises(ZeroDivisionError):
            play_episodes(starts, act, Referee(ScriptedSandbox([]), strict=True))
    finally:
        del gym.registry["Test/Breaking-v0"]


def test_a_void_message_is_named_by_the_step_api() -> None:
    env = gym.make(ABDUCTION, attempts=2, style="terse").unwrapped
    env.referee = Referee(ScriptedSandbox(lambda job: Outcome.uniform(Status.WORKER_LOST, len(job.calls))))
    env.reset(seed=0, options={"task": TASK.to_json()})
    _, reward, over, _, info = env.step(fence("input", "1"))
    assert (reward, over, info["valid"], info["reason"]) == (0.0, False, False, "worker_lost")
    assert info["untrained"] == (("solver", 0, 1),)
    _, _, over, _, info = env.step("nonsense")
    assert over
    assert info["untrained"] == ()
    assert info["credit"] == (("solver", 1, 1, -1.0),)


def test_texts_that_cannot_be_shown_are_refused() -> None:
    referee = Referee("process:workers=1", reserved=("[END]",))
    for program, given, reason in (
        ("def f(x):\n    return x", "'a[END]b'", "special_token"),
        ("def f(x):\n    return x + 'END]'", "'['", "special_token"),
        ("def f(x):\n    return x + 'END]'", "'('", "ok"),
        ("def f(x):\n    return '<|' + x + '|>'", "'im_end'", "special_token"),
        ("def f(x):\n    return len(x)  # </s>", "'a'", "special_token"),
        ("def f(x):\n    return x < 1 or x | 3 > 2", "1", "ok"),
    ):
        [episode] = play(referee, DEDUCTION, pair(program, given), [fence("output", "1")], games=1)
        assert episode.messages[0].verdict.reason == reason, program
    instruction = lambda text: [Reply(text=fence("instruction", text))]  # noqa: E731
    start = Start("SelfPlay/InstructionChallenge-v0", 0, {"attempts": 1})
    item = JudgeItem(messages=(Message("user", "include the word end"),), answers=("end",))
    assert referee.judges[""].score([item])[0].values == (1.0,)
    episode = play_episode(start, lambda asks: instruction("include the word a[END]b"), referee)
    assert not episode.messages[0].verdict.valid
