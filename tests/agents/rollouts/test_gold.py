from __future__ import annotations

from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from agents.config.game_mix import GameMix
from agents.config.sampling import Sampling
from agents.rollouts.collector import Collector
from agents.rollouts.gold import GoldReplies, count_given, without_wrong_gold
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Episode, Referee, Start
from tests.helpers.gold_game import GOLD_GAME


def play(
    tokenizer: PreTrainedTokenizerFast, task: dict[str, Any] | None, *, gold: int, context: int = 128, limit: int = 8
) -> tuple[Episode, int]:
    """An episode of three attempts, and how many replies were sampled."""
    asked = 0

    def say(prompt: object, seed: int) -> str:
        nonlocal asked
        asked += 1
        return "b"

    replies = GoldReplies([GameMix(env_id=GOLD_GAME, gold=gold)], tokenizer, context=context, limit=limit)
    collector = Collector(ScriptedSampler(say), Referee("process"), Sampling(), gold=replies)
    options = {} if task is None else {"task": task}
    [episode] = collector.collect([Start(GOLD_GAME, 0, {"attempts": 3}, options)], (0,))
    return episode, asked


def test_the_first_attempts_are_the_gold_reply_as_the_tokenizer_writes_it(tokenizer: PreTrainedTokenizerFast) -> None:
    episode, asked = play(tokenizer, {"letter": "x"}, gold=2)
    assert asked == 1
    assert [(turn.reply.text, turn.reply.given) for turn in episode.messages] == [("aaa", True), ("aaa", True), ("b", False)]
    reply = episode.messages[0].reply
    letters = [*tokenizer.convert_tokens_to_ids(["<user>", *"say x", "<assistant>"])]
    assert list(reply.prompt_ids) == letters
    assert list(reply.token_ids) == [*tokenizer.convert_tokens_to_ids([*"aaa"]), tokenizer.eos_token_id]
    assert reply.logprobs == (0.0,) * 4
    assert episode.messages[0].verdict.score == 1.0
    assert count_given([episode]) == {}
    again = Episode.from_json(episode.to_json(tokens=True))
    assert [turn.reply.given for turn in again.messages] == [True, True, False]


def test_where_all_attempts_are_gold_nothing_is_sampled(tokenizer: PreTrainedTokenizerFast) -> None:
    assert play(tokenizer, {"letter": "x"}, gold=3)[1] == 0


def test_a_panel_that_rates_a_proposal_is_sampled_whole(tokenizer: PreTrainedTokenizerFast) -> None:
    episode, asked = play(tokenizer, None, gold=3)
    assert asked == 4
    assert not any(turn.reply.given for turn in episode.messages)


@pytest.mark.parametrize(
    ("task", "context", "limit", "reason", "messages"),
    [
        ({"letter": "x", "gold": "a" * 8}, 128, 8, "too_long", 2),  # the end is a token too
        ({"letter": "x", "gold": "a" * 7}, 128, 8, "", 0),
        ({"letter": "x", "gold": "aaa"}, 10, 8, "too_long", 2),  # 7 of the prompt, 4 of the reply
        ({"letter": "x", "gold": "aaa"}, 7, 8, "too_long", 3),  # no room for any reply: the sampler is not asked either
        ({"letter": "x", "gold": None}, 128, 8, "no_gold", 2),
        ({"letter": "x", "gold": "a<end>b"}, 128, 8, "no_gold", 2),
        ({"letter": "x", "gold": "baa"}, 128, 8, "gold_wrong", 2),
    ],
)
def test_what_cannot_be_imitated_does_not_train_and_is_counted(
    tokenizer: PreTrainedTokenizerFast, task: dict[str, Any], context: int, limit: int, reason: str, messages: int
) -> None:
    episode, asked = play(tokenizer, task, gold=2, context=context, limit=limit)
    assert count_given([episode]) == ({f"{GOLD_GAME}/{reason}": messages} if reason else {})
    assert asked == (0 if messages == 3 else 1)
    trained = [turn for turn in without_wrong_gold(episode).messages if turn.reply.token_ids and not turn.masked]
    assert len([turn for turn in trained if turn.reply.given]) == (0 if reason else 2)
    assert all(len(turn.reply.token_ids) in (0, len(turn.reply.text) + 1) for turn in episode.messages if turn.reply.given)
