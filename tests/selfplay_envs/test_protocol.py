"""What a game's methods give back is looked at: each slip of an author is one sentence, wherever the game is played."""

import math
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from selfplay_envs import (
    GameError,
    Message,
    Referee,
    ScriptedPlayer,
    Start,
    Verdict,
    play_episode,
    register_game,
    write_episodes,
)
from selfplay_envs.checking import game_checks
from selfplay_envs.games.kuhn import KuhnPoker
from selfplay_envs.parsing import fence


@pytest.fixture(autouse=True)
def forget():
    """No other test has to see these games."""
    yield
    for env_id in [env_id for env_id in gymnasium.registry if env_id.startswith("Slips/")]:
        gymnasium.registry.pop(env_id)


class Listed(KuhnPoker):
    """Lists in place of tuples, numbers of numpy's in place of plain ones: nothing is wrong with it."""

    def pending(self):
        return list(super().pending())

    def prompt(self, slot):
        return list(super().prompt(slot))

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.credit = {where: np.float32(value) for where, value in self.credit.items()}


class Slotless(KuhnPoker):
    def pending(self):
        return tuple(tuple(slot) for slot in super().pending())


class Unending(KuhnPoker):
    def pending(self):
        return None


class Bare(KuhnPoker):
    def prompt(self, slot):
        return "Your card is the jack."


class Chat(KuhnPoker):
    def prompt(self, slot):
        return ({"role": "user", "content": "Your card is the jack."},)


class Single(KuhnPoker):
    def prompt(self, slot):
        return Message("user", "Your card is the jack.")


class Empty(KuhnPoker):
    def prompt(self, slot):
        return ()


class Direct(KuhnPoker):
    def judge(self, slot, text, finish_reason):
        return Verdict(valid=True, reason="ok")


class Silent(KuhnPoker):
    def judge(self, slot, text, finish_reason):
        yield from super().judge(slot, text, finish_reason)


class Short(KuhnPoker):
    def settle(self):
        pass


class Infinite(KuhnPoker):
    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.credit = dict.fromkeys(self.credit, math.inf)


class Wordy(KuhnPoker):
    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.credit = dict.fromkeys(self.credit, "1")


class Roleless(KuhnPoker):
    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.outcome["first"] = 1.0


class Counted(KuhnPoker):
    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, data={**verdict.data, "cards": np.int64(3)})


def played(game):
    env_id = f"Slips/{game.__name__}-v0"
    register_game(env_id, f"{__name__}:{game.__name__}")
    player = ScriptedPlayer([fence("action", move) for move in ("check", "check")])
    return play_episode(Start(env_id, 0), player, Referee())


@pytest.mark.parametrize(
    ("game", "sentence"),
    [
        (Slotless, "Slotless.pending gave (('first', 0, 0),), of type tuple; return a tuple of Slot(role, attempt, turn)"),
        (Unending, "Unending.pending gave None, of type NoneType; return a tuple of Slot"),
        (Bare, "Bare.prompt gave 'Your card is the jack.', of type str; return a tuple of Message"),
        (Chat, "Chat.prompt gave ({'role': 'user', 'content': 'Your card is the jack.'},), of type tuple; return a tuple of"),
        (
            Single,
            "Single.prompt gave Message(role='user', content='Your card is the jack.'), of type Message; return a tuple of",
        ),
        (Empty, "Empty.prompt gave (), of type tuple; return a tuple of Message"),
        (Direct, "Direct.judge gave Verdict(valid=True"),
        (Direct, "or, asking nothing, return no_requests(verdict)."),
        (Silent, "Silent.judge gave None, of type NoneType; return a Verdict."),
        (Short, "Short.settle gave None, of type NoneType; yield requests, or, asking nothing, `yield from ()`."),
        (Infinite, "Slips/Infinite-v0 pays inf for Slot(role='first', attempt=0, turn=0); a credit is a finite number."),
        (Wordy, "Slips/Wordy-v0 pays '1' for Slot(role='first', attempt=0, turn=0); a credit is a finite number."),
        (Roleless, "Slips/Roleless-v0 has the key 'first' in `outcome`; a key is (role, attempt)."),
    ],
)
def test_a_slip_of_the_author_stops_the_game_with_one_sentence(game, sentence):
    """A referee that is not strict, as in training, where an unexpected error would only void the message."""
    with pytest.raises(GameError) as error:
        played(game)
    assert sentence in str(error.value)


def test_findings_that_are_not_json_are_told_where_they_are_written(tmp_path):
    sentence = r"an episode of Slips/Counted-v0 is not JSON \(Object of type int64 .*\); put texts, plain numbers"
    with pytest.raises(GameError, match=sentence):
        write_episodes(tmp_path / "e.jsonl", [played(Counted)])
    checks = {check.name: check for check in game_checks("Slips/Counted-v0", pettingzoo=False)}
    for name in ("determinism", "replays", "hash_seed_unread"):
        assert "an episode of Slips/Counted-v0 is not JSON (Object of type int64" in checks[name].run().detail


def test_lists_and_numbers_of_numpy_are_fine():
    assert [message.credit for message in played(Listed).messages] == [message.credit for message in played(KuhnPoker).messages]
