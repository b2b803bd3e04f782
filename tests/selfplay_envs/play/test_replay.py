"""Records survive JSON; replay and rejudge reproduce every credit, and notice when something was changed."""

import dataclasses
import json

import pytest

from selfplay_envs import (
    GameError,
    Referee,
    Reply,
    Score,
    Start,
    UsageError,
    differences,
    play_episode,
    read_episodes,
    rejudge,
    replay,
    write_episodes,
)
from selfplay_envs.core.game import Game, Verdict, no_requests
from selfplay_envs.core.judging import JudgeItem
from selfplay_envs.core.messages import Message, Slot
from selfplay_envs.names.registration import register_game
from selfplay_envs.replies.parsing import fence

DOUBLE = fence("python", "def f(x):\n    return x * 2") + "\n" + fence("input", "3")


@pytest.fixture
def episode(referee):
    script = iter([DOUBLE, fence("output", "6"), "🙂\x1b[31m", fence("output", "1")])
    start = Start("SelfPlay/Deduction-v0", 11, {"attempts": 3, "style": "terse"})
    replies = lambda asks: [Reply(text=next(script), token_ids=(1, 2), logprobs=(-0.5, -0.25), policy_version=4) for _ in asks]  # noqa: E731
    return play_episode(start, replies, referee)


def test_episodes_survive_json_lines(tmp_path, episode):
    path = tmp_path / "episodes.jsonl"
    write_episodes(path, [episode], tokens=True)
    write_episodes(path, [episode], append=True)
    with_tokens, without = read_episodes(path)
    assert json.dumps(with_tokens.to_json(tokens=True)) == json.dumps(episode.to_json(tokens=True))
    assert with_tokens.messages[1].reply.logprobs == (-0.5, -0.25)
    assert without.messages[1].reply.token_ids == ()
    assert without.messages[1].reply.policy_version == 4
    seeds = without.backend["hash_seeds"]
    assert without.backend == {"sandbox": "process", "judge": "rules", "hash_seeds": seeds}
    assert len(set(seeds.split("+"))) == 8


@pytest.mark.parametrize(("content", "words"), [("{}\n", ":1 is not an episode"), ('{"env_id": ', ":1 is not an episode")])
def test_a_broken_file_names_its_line(tmp_path, content, words):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError, match=words):
        list(read_episodes(path))
    with pytest.raises(UsageError, match="is not a file"):
        list(read_episodes(tmp_path / "none.jsonl"))


def test_replay_and_rejudge_reproduce_every_credit(episode, referee):
    assert differences(episode, replay(episode)) == []
    restored = type(episode).from_json(json.loads(json.dumps(episode.to_json())))
    assert differences(restored, rejudge(restored, referee)) == []


def test_replay_notices_a_forged_credit(episode):
    forged = dataclasses.replace(episode.messages[3], credit=1.0)
    found = differences(dataclasses.replace(episode, messages=(*episode.messages[:3], forged)), replay(episode))
    assert [(d.message, d.field, d.recorded, d.replayed) for d in found] == [(3, "credit", 1.0, -0.5)]


def test_rejudge_notices_a_forged_verdict_and_replay_trusts_it(episode, referee):
    forged = dataclasses.replace(episode.messages[3], verdict=Verdict(valid=True, score=1.0), credit=1.0)
    changed = dataclasses.replace(episode, messages=(*episode.messages[:3], forged))
    assert {d.field for d in differences(changed, rejudge(changed, referee))} >= {"verdict", "credit"}
    # with the recorded verdict the panel solved 2 of 3, so the proposer's recorded credit no longer follows
    assert [(d.message, d.field) for d in differences(changed, replay(changed)) if d.message >= 0] == [(0, "credit")]


def test_a_record_that_does_not_fit_the_game_is_refused(episode):
    stranger = dataclasses.replace(episode.messages[0], slot=Slot("solver", 7, 1))
    with pytest.raises(GameError, match="not to act"):
        replay(dataclasses.replace(episode, messages=(stranger, *episode.messages[1:])))


class Ranking(Game):
    """Two answers ranked by a judge in settle: the verdict that depends on siblings."""

    roles = ("writer",)
    task_type = "ranking"

    def reset(self, rng, options):
        self.said = {}

    def pending(self):
        return () if self.said else tuple(Slot("writer", a, 0) for a in range(self.attempts))

    def prompt(self, slot):
        return (Message("user", "write"),)

    def judge(self, slot, text, finish_reason):
        return no_requests(Verdict(valid=True))

    def apply(self, slot, text, verdict):
        self.said[slot] = text

    def settle(self):
        [score] = yield [JudgeItem(messages=(Message("user", "include the word red"),), answers=tuple(self.said.values()))]
        for slot, value in zip(self.said, score.values, strict=True):
            self.credit[slot] = self.outcome[slot.role, slot.attempt] = value


def test_settle_results_are_recorded_and_replayed_without_a_judge(referee):
    register_game("Test/Ranking-v0", f"{__name__}:Ranking")
    texts = iter(["red", "blue"])
    ranked = play_episode(
        Start("Test/Ranking-v0", 0, {"attempts": 2}), lambda asks: [Reply(text=next(texts)) for _ in asks], referee
    )
    assert [m.credit for m in ranked.messages] == [1.0, 0.0]
    restored = type(ranked).from_json(ranked.to_json())
    assert differences(restored, replay(restored)) == []
    with pytest.raises(GameError, match="more than was recorded"):
        replay(dataclasses.replace(ranked, settled=()))


class Moody:
    """A judge that is not pure: every answer gets one more than the last."""

    name = "moody"
    mood = 0.0

    def score(self, items):
        self.mood += 1.0
        return [Score(values=(self.mood,)) for _ in items]


def test_a_game_that_a_model_judged_is_recorded_so_and_replays_without_it():
    said = iter([fence("instruction", "use only lowercase"), fence("answer", "abc")])
    start = Start("SelfPlay/InstructionChallenge-v0", 0, {"attempts": 1, "quality_weight": 1.0})
    judge = Moody()
    judged = play_episode(
        start, lambda asks: [Reply(text=next(said)) for _ in asks], Referee("process", judges={"self": judge})
    )
    assert judged.backend == {"sandbox": "process", "judge": "rules", "judge:self": "moody"}
    assert [m.credit for m in judged.messages] == [-1.0 + 1.0, 1.0 + 1.0]
    restored = type(judged).from_json(json.loads(json.dumps(judged.to_json())))
    assert restored == judged
    assert differences(restored, replay(restored)) == []
    assert replay(restored).backend == judged.backend
    with pytest.raises(UsageError, match="judge='self'"):
        rejudge(restored, Referee("process"))
    found = differences(restored, rejudge(restored, Referee("process", judges={"self": judge})))
    assert [(d.message, d.field) for d in found] == [(0, "credit"), (1, "verdict"), (1, "credit")]
