"""What a game's methods give back is looked at: each slip of an author is one sentence, wherever the game is played."""

import math
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from selfplay_envs import (
    GameError,
    JudgeItem,
    Message,
    Referee,
    ScriptedPlayer,
    Start,
    Verdict,
    differences,
    no_requests,
    play_episode,
    register_game,
    rejudge,
    replay,
    write_episodes,
)
from selfplay_envs.conformance.suite import game_checks
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from selfplay_envs.replies.parsing import fence


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


class Forgetful(KuhnPoker):
    def judge(self, slot, text, finish_reason):
        pass


class Silent(KuhnPoker):
    def judge(self, slot, text, finish_reason):
        yield from ()


class Listing(KuhnPoker):
    def settle(self):
        return []


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
        (Forgetful, "Forgetful.judge gave None, of type NoneType; return a Verdict."),
        (Silent, "Silent.judge gave None, of type NoneType; return a Verdict."),
        (Listing, "Listing.settle gave [], of type list; yield requests, or return None."),
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


class Direct(KuhnPoker):
    """Neither `judge` nor `settle` is a generator."""

    def judge(self, slot, text, finish_reason):
        return Verdict(valid=True, data={"action": "check"})

    def settle(self):
        return None


class Yielding(Direct):
    """The same by generators, one of which yields a request."""

    def judge(self, slot, text, finish_reason):
        [score] = yield [JudgeItem(messages=(Message("user", "use only lowercase"),), answers=("yes",))]
        return Verdict(valid=score.values == (1.0,), data={"action": "check"})

    def settle(self):
        [score] = yield [JudgeItem(messages=(Message("user", "use only lowercase"),), answers=("YES",))]
        assert score.values == (0.0,)


class Crashing(Direct):
    def judge(self, slot, text, finish_reason):
        raise ZeroDivisionError


def test_a_verdict_and_the_end_of_a_turn_may_be_given_at_once_or_by_a_generator():
    plain, direct, yielding = (played(game) for game in (KuhnPoker, Direct, Yielding))
    assert [turn.verdict for turn in direct.messages] == [turn.verdict for turn in plain.messages]
    assert [turn.verdict for turn in yielding.messages] == [turn.verdict for turn in plain.messages]
    assert plain.settled == direct.settled == ((), ())
    assert [[score.values for score in turn] for turn in yielding.settled] == [[(0.0,)], [(0.0,)]]
    for episode in (direct, yielding):
        assert differences(episode, replay(episode)) == []
        assert differences(episode, rejudge(episode, Referee())) == []
    for name in ("judge_reads_only", "replays", "lanes_equal_sequence"):
        [check] = [check for check in game_checks("Slips/Direct-v0", pettingzoo=False) if check.name == name]
        assert check.run().ok


class Extended(Direct):
    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, reason="seen")


class Twice(Yielding):
    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, reason="seen")


def test_a_game_extends_the_judging_of_another_whether_that_yields_or_not():
    for game in (Extended, Twice):
        assert [(turn.verdict.valid, turn.verdict.reason) for turn in played(game).messages] == [(True, "seen")] * 2


def test_no_requests_is_the_judging_of_a_known_verdict():
    verdict = Verdict(valid=True)
    assert Referee().answer([no_requests(verdict)])[0].value is verdict


def test_a_judge_that_raises_before_it_yields_costs_its_message_the_verdict():
    [message] = played(Crashing).messages
    assert (message.void, message.credit) == ("internal_error", 0.0)


def test_findings_that_are_not_json_are_told_where_they_are_written(tmp_path):
    sentence = r"an episode of Slips/Counted-v0 is not JSON \(Object of type int64 .*\); put texts, plain numbers"
    with pytest.raises(GameError, match=sentence):
        write_episodes(tmp_path / "e.jsonl", [played(Counted)])
    checks = {check.name: check for check in game_checks("Slips/Counted-v0", pettingzoo=False)}
    for name in ("determinism", "replays", "hash_seed_unread"):
        assert "an episode of Slips/Counted-v0 is not JSON (Object of type int64" in checks[name].run().detail


def test_lists_and_numbers_of_numpy_are_fine():
    assert [message.credit for message in played(Listed).messages] == [message.credit for message in played(KuhnPoker).messages]


class GoesOn(KuhnPoker):
    def settle(self):
        yield from super().settle()


class GoesOnAtOnce(KuhnPoker):
    def settle(self):
        return super().settle()


@pytest.mark.parametrize("game", [GoesOn, GoesOnAtOnce])
def test_settle_may_go_on_with_that_of_the_base(game):
    assert [turn.void for turn in played(game).messages] == ["", ""]


class Proposing(KuhnPoker):
    @property
    def proposed(self):
        return {"cards": {"J", "Q"}}


class ProposingList(KuhnPoker):
    @property
    def proposed(self):
        return ["J", "Q"]


class Unkeyed(KuhnPoker):
    @property
    def proposed(self):
        return {"cards": ["J", "Q"]}

    def proposal_key(self, task):
        return task["program"]


@pytest.mark.parametrize(
    ("game", "sentence"),
    [
        (
            Proposing,
            r"Proposing.proposed gave .*, of type dict; no proposal_key can be made of it \(TypeError\); return a mapping",
        ),
        (ProposingList, r"ProposingList.proposed gave \['J', 'Q'\], of type list; return a mapping of JSON types, or None"),
        (Unkeyed, r"Unkeyed.proposed gave .*, of type dict; no proposal_key can be made of it \(KeyError\); return a mapping"),
    ],
)
def test_a_proposal_of_which_no_key_can_be_made_is_one_sentence(game, sentence):
    with pytest.raises(GameError, match=sentence):
        played(game)
