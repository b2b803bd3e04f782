"""Replies that nobody samples: the gold replies that a run imitates, as tokens, and what becomes of those that cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Episode, PendingPrompt, Reply, Turn

from ..config.game_mix import GameMix
from ..samplers.replies import prompt_ids, reply_ids

PROMPTS = 4_096
"""Prompts whose tokens are kept; a panel shares its own."""


class GoldReplies:
    """Replies to the panels of given tasks: gold for the first attempts, none for prompts that leave no room.

    A reply that cannot train, since it or its prompt is too long or there is no gold, has no tokens. Nothing is truncated.

    Args:
        games: Of the run. Those without gold and without a fixed set are sampled as ever.
        tokenizer: Of the model that learns.
        context: Positions that the model knows.
        limit: Tokens of the longest reply.
    """

    def __init__(self, games: Sequence[GameMix], tokenizer: PreTrainedTokenizerBase, *, context: int, limit: int) -> None:
        self._gold = {mix.game_name: mix.gold for mix in games if mix.gold or mix.task_source}
        self._tokenizer = tokenizer
        self._context = context
        self._limit = limit
        self._prompt_ids = lru_cache(PROMPTS)(partial(prompt_ids, tokenizer, context=context))

    def reply(self, prompt: PendingPrompt, policy_version: int = 0) -> Reply | None:
        """The reply that is given to a prompt; None where it is to be sampled."""
        start, game = prompt.match.start, prompt.match.game
        gold = self._gold.get(start.name or start.env_id)
        posed = "task" in start.options or set(game.roles) <= set(game.answers)
        if gold is None or not posed or prompt.slot.role not in game.answers:
            return None
        try:
            ids = self._prompt_ids(prompt.messages)
        except ValueError:  # no room for a reply
            return Reply(text="", finish_reason="length", policy_version=policy_version, given=True)
        if prompt.slot.attempt >= gold:
            return None
        text = game.gold_reply(prompt.slot)
        tokens = () if text is None else reply_ids(self._tokenizer, text)
        if text is None or not tokens:
            return Reply(text=text or "", policy_version=policy_version, given=True)
        if len(tokens) > min(self._limit, self._context - len(ids)):
            return Reply(text=text, finish_reason="length", policy_version=policy_version, given=True)
        return Reply(
            text=text,
            prompt_ids=ids,
            token_ids=tokens,
            logprobs=(0.0,) * len(tokens),
            policy_version=policy_version,
            given=True,
        )


def without_wrong_gold(episode: Episode) -> Episode:
    """The episode with gold replies masked that its verifier does not find right: nobody shall imitate them."""
    if not any(map(_is_wrong, episode.messages)):
        return episode
    return replace(
        episode, messages=tuple(replace(turn, masked=True) if _is_wrong(turn) else turn for turn in episode.messages)
    )


def count_given(episodes: Iterable[Episode]) -> Counter[str]:
    """Given replies that do not train, by game and reason: `too_long` (or their prompt), `no_gold`, `gold_wrong`."""
    return Counter(
        f"{episode.game_name}/{reason}"
        for episode in episodes
        for turn in episode.messages
        if turn.reply.given and (reason := _reason(turn))
    )


def _reason(turn: Turn) -> str:
    if not turn.reply.token_ids:
        return "too_long" if turn.reply.finish_reason == "length" else "no_gold"
    return "gold_wrong" if _is_wrong(turn) else ""


def _is_wrong(turn: Turn) -> bool:
    return turn.reply.given and bool(turn.reply.token_ids) and not (turn.verdict.valid and turn.verdict.score == 1.0)
