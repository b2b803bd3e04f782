"""Every registered game passes the conformance suite; and the suite notices games that break their promises."""

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import selfplay_envs
from selfplay_envs import GameError, Message, UsageError, Verdict, make_game, no_requests, register_game
from selfplay_envs.conformance.moves import read_moves
from selfplay_envs.conformance.promises import Subject
from selfplay_envs.conformance.suite import check_game, game_checks, panels
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from selfplay_envs.replies.parsing import fence
from tests.helpers.exam_game import Exam


@pytest.mark.parametrize("attempts", [1, 4, 8])
@pytest.mark.parametrize("env_id", [env_id for env_id in selfplay_envs.game_ids() if env_id.startswith("SelfPlay/")])
def test_every_game_conforms(env_id, attempts):
    results = check_game(env_id, attempts=attempts, pettingzoo=True)
    assert [f"{r.name}: {r.detail}" for r in results if not r.ok] == []
    assert {"gymnasium_check", "lanes_equal_sequence", "replays", "pettingzoo_check"} <= {r.name for r in results}


class Clockwork(KuhnPoker):
    """Broken on purpose: the deal comes from a counter instead of the generator."""

    deals = 0

    def reset(self, rng, options):
        Clockwork.deals += 1
        super().reset(rng, {"task": {"cards": [["J", "Q"], ["K", "J"]][Clockwork.deals % 2]}})


class Generous(KuhnPoker):
    """Broken on purpose: pays out chips that nobody lost."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.outcome["first", slot.attempt] = 5.0


class Forgetful(KuhnPoker):
    """Broken on purpose: the second seat's messages earn nothing."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.credit = {where: value for where, value in self.credit.items() if where.role != "first"}


class Moody(KuhnPoker):
    """Broken on purpose: the verdict depends on how often it was asked."""

    asked = 0

    def judge(self, slot, text, finish_reason):
        Moody.asked += 1
        yield from ()
        return Verdict(valid=Moody.asked % 2 == 0, reason="mood", data={"action": "check"})


class Wordless(KuhnPoker):
    """Offers no legal move, so that hardly anything of it is ever seen."""

    def sample_action(self, slot, rng):
        return None


class Misled(KuhnPoker):
    """Broken on purpose: what it offers as legal is not."""

    def sample_action(self, slot, rng):
        return fence("action", "raise")


class Gambler(KuhnPoker):
    """Broken on purpose: what a legal move is worth comes from Python's own generator."""

    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, score=random.random()) if verdict.valid else verdict


class Dicer(KuhnPoker):
    """Broken on purpose: the same with numpy's global generator."""

    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, score=float(np.random.random())) if verdict.valid else verdict


class Timed(KuhnPoker):
    """Broken on purpose: what a legal move is worth depends on the clock."""

    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, score=time.perf_counter()) if verdict.valid else verdict


class Indebted(KuhnPoker):
    """Broken on purpose: of a play that nobody forfeits only the last message is paid."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        if verdict.valid and slot in self.credit:
            self.credit = {slot: self.credit[slot]}


class Meddler(KuhnPoker):
    """Broken on purpose: judge writes the history, which apply reads."""

    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        self.last = verdict.reason
        return verdict


class Unordered(KuhnPoker):
    """Broken on purpose: what the players see comes in the order of a set of texts."""

    def prompt(self, slot):
        return (*super().prompt(slot), Message("user", " ".join({f"word{i}" for i in range(20)})))


class Endless(KuhnPoker):
    """Broken on purpose: a move that is not legal may be tried again, for ever."""

    def apply(self, slot, text, verdict):
        if verdict.valid:
            super().apply(slot, text, verdict)


class Patient(KuhnPoker):
    """Broken on purpose: a move that is not legal may be tried once more, in the same slot."""

    def reset(self, rng, options):
        super().reset(rng, options)
        self.warned = False

    def apply(self, slot, text, verdict):
        if verdict.valid or self.warned:
            super().apply(slot, text, verdict)
        self.warned = not verdict.valid


class Late(KuhnPoker):
    """Broken on purpose: pays again what it has paid, when nobody listens any more."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.credit |= {slot: 9.0, **{where: 1.0 + value for where, value in self.credit.items()}}


class Reseeding(KuhnPoker):
    """Broken on purpose: seeds Python's own generator and deals with it."""

    def reset(self, rng, options):
        random.seed(1)
        super().reset(rng, {"task": {"cards": random.sample(["J", "Q", "K"], 2)}})


class Unbounded(KuhnPoker):
    """Broken on purpose: its outcome is no number."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.outcome["first", slot.attempt] = float("nan")


class Named(KuhnPoker):
    """Broken on purpose: PettingZoo cannot tell the role from the attempt."""

    roles, answers = ("first_1", "second"), ()


class Talkative(KuhnPoker):
    """Sound, but prints while it is played."""

    def apply(self, slot, text, verdict):
        print("so they say:", text)
        super().apply(slot, text, verdict)


class Crowded(KuhnPoker):
    """Broken on purpose: says that `first` answers, so that `second` should speak alone, and lets it play every deal."""

    answers = ("first",)


class Faulty(KuhnPoker):
    """Broken on purpose: a mistake of its author's, three frames deep."""

    def judge(self, slot, text, finish_reason):
        return no_requests()


class Absent(Exam):
    """Broken on purpose: credits the examiner of a task that nobody has proposed."""

    def sample_proposal(self, rng):
        return "q"

    def settle_panel(self):
        self.credit[self.proposer] = 0.0


class AbsentOutcome(Absent):
    """Broken on purpose: the examiner of a task that nobody has proposed has an outcome."""

    def settle_panel(self):
        Exam.settle_panel(self)
        self.outcome[self.proposer.role, 0] = 0.0


@pytest.mark.parametrize(
    ("game", "check", "detail"),
    [
        (Clockwork, "determinism", "two different episodes"),
        (Generous, "credits_complete", "does not sum to 0"),
        (Forgetful, "credits_complete", "without credit"),
        (Moody, "lanes_equal_sequence", "differ"),
        (Wordless, "legal_moves", "no legal move was ever met in 12 episodes"),
        (Misled, "legal_moves", "and judge refused it: illegal_action"),
        (Gambler, "global_random_untouched", "a global random state changed"),
        (Gambler, "determinism", "two different episodes"),
        (Gambler, "replays", "differs"),
        (Dicer, "global_random_untouched", "a global random state changed"),
        (Timed, "judge_reads_only", "judge gave two verdicts"),
        (Indebted, "credits_complete", "without credit for Slot(role='first', attempt=0, turn=0)"),
        (Meddler, "judge_reads_only", "changed self.last"),
        (Unordered, "hash_seed_unread", "messages of ['first', 0, 0] of seed 0 depends on the process"),
        (Endless, "legal_moves", "is not over after 10000 messages"),
        (Patient, "slots_named", "have the slot ('first', 0, 0)"),
        (Absent, "credits_complete", "[('examiner', 0, 0)] has a credit and never spoke"),
        (AbsentOutcome, "credits_complete", "[('examiner', 0)] has an outcome and never spoke"),
        (Late, "credits_once", "of seed 0 was 9.0 when it became known and is "),
        (Reseeding, "global_random_untouched", "a global random state changed"),
        (Unbounded, "credits_complete", "is not finite"),
        (Named, "slots_named", "roles=('first_1', 'second') is not a tuple of names in lower-case letters"),
        (Crowded, "slots_named", "('second', 1) speaks, but seats="),
        (Faulty, "determinism", "test_promises.py:"),
        (Faulty, "gymnasium_check", "TypeError: no_requests() missing 1 required positional argument"),
    ],
)
def test_the_suite_notices_a_broken_game(game, check, detail):
    env_id = f"Broken/{game.__name__}-v0"
    register_game(env_id, f"{__name__}:{game.__name__}")
    attempts = 2 if game is Crowded else 1
    [found] = [one.run() for one in game_checks(env_id, pettingzoo=False, attempts=attempts) if one.name == check]
    assert not found.ok
    assert detail in found.detail


def test_a_mistake_is_told_with_file_and_line():
    register_game("Broken/Faulty-v0", f"{__name__}:Faulty")
    [found] = [one.run() for one in game_checks("Broken/Faulty-v0", pettingzoo=False) if one.name == "legal_moves"]
    number = 1 + next(i for i, line in enumerate(Path(__file__).read_text().splitlines()) if "return no_requests()" in line)
    assert found.detail.startswith(f"{Path(__file__).relative_to(Path.cwd())}:{number}: TypeError: no_requests()")


def test_a_game_that_raises_as_it_is_made_is_told_likewise():
    register_game("Broken/Stillborn-v0", f"{__name__}:Stillborn")
    with pytest.raises(GameError, match=r"cannot be made: .*test_promises.py:\d+: ZeroDivisionError"):
        check_game("Broken/Stillborn-v0")


class Stillborn(KuhnPoker):
    def __init__(self, *, attempts=1):
        super().__init__(attempts=attempts)
        self.share = 1 / (attempts - attempts)


class Silent(KuhnPoker):
    """Sound, but offers no legal move; takes no keyword."""

    def __init__(self):
        super().__init__()

    def sample_action(self, slot, rng):
        return None


def test_moves_of_a_file_stand_in_for_those_of_the_game(tmp_path):
    register_game("Sound/Silent-v0", f"{__name__}:Silent")
    moves = tmp_path / "moves.jsonl"
    lines = [("first", "check"), ("first", "call"), ("second", "bet"), ("second", "check")]
    moves.write_text("".join(json.dumps({"role": role, "text": fence("action", action)}) + "\n" for role, action in lines))
    assert panels("Sound/Silent-v0", (1, 4)) == [{}]
    assert [r.name for r in check_game("Sound/Silent-v0", pettingzoo=False) if not r.ok] == ["legal_moves"]
    read = read_moves(moves, make_game("Sound/Silent-v0"))
    results = check_game("Sound/Silent-v0", pettingzoo=False, moves=read)
    assert [f"{r.name}: {r.detail}" for r in results if not r.ok] == []


def test_an_endless_game_ends_the_check_of_lanes_too(monkeypatch):
    monkeypatch.setattr("selfplay_envs.conformance.moves.MAX_MESSAGES", 300)
    register_game("Broken/Endless-v0", f"{__name__}:Endless")
    [found] = [one.run() for one in game_checks("Broken/Endless-v0", pettingzoo=False) if one.name == "lanes_equal_sequence"]
    assert "is not over after 300 messages" in found.detail


def test_what_a_game_prints_is_not_taken_for_what_was_played():
    register_game("Sound/Talkative-v0", f"{__name__}:Talkative")
    [found] = [one.run() for one in game_checks("Sound/Talkative-v0", pettingzoo=False) if one.name == "hash_seed_unread"]
    assert found.ok, found.detail


def test_a_wrong_file_of_moves_is_one_sentence(tmp_path):
    moves = tmp_path / "moves.jsonl"
    with pytest.raises(UsageError, match="is not a file"):
        read_moves(moves, KuhnPoker())
    moves.write_text('{"role": "first", "text": "a"}\n{"role": "third", "text": "a"}\n')
    with pytest.raises(UsageError, match=r"moves.jsonl:2 is not a move .*role is one of first, second"):
        read_moves(moves, KuhnPoker())


def test_half_of_the_episodes_of_a_check_hold_legal_moves_alone_and_every_fourth_none():
    subject = Subject("SelfPlay/KuhnPoker-v0", {})
    valid = [[done.verdict.valid for done in subject.play(seed).applied] for seed in range(8)]
    assert all(all(valid[seed]) for seed in (0, 1, 4, 5))
    assert not any(valid[3] + valid[7])


@pytest.mark.parametrize("env_id", [env_id for env_id in selfplay_envs.game_ids() if env_id.startswith("SelfPlay/")])
def test_every_built_in_game_offers_legal_moves_for_every_role(env_id):
    [found] = [one.run() for one in game_checks(env_id, attempts=4) if one.name == "legal_moves"]
    assert found.ok, found.detail


SCRIPT = """
import json, numpy as np
from selfplay_envs import *
from selfplay_envs.replies.parsing import fence
said = [fence("python", "def f(x):\\n    return sorted({'b', 'a', x})") + "\\n" + fence("input", "'c'")]
said += [fence("output", "['a', 'b', 'c']"), fence("output", "1")]
for env_id in ("SelfPlay/Deduction-v0", "SelfPlay/KuhnPoker-v0", "SelfPlay/InstructionChallenge-v0"):
    texts = iter(said * 20)
    referee = Referee("process:hash-seeds=1+2+3+4+5+6+7+8")
    episode = play_episode(Start(env_id, 7, {"attempts": 2}), ScriptedPlayer(texts), referee)
    print(json.dumps(episode.to_json()))
"""


def test_two_processes_with_different_hash_seeds_give_identical_episodes():
    root = Path(__file__).parents[3]
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert '"ok"' in runs[0]
