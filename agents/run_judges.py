"""Which judges a run holds itself: `self`, the frozen model, where one of its games or its config asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from transformers import PreTrainedTokenizerBase

from selfplay_envs.game import Judge
from selfplay_envs.judges import SELF
from selfplay_envs.registration import make_game

from .adapter_view import AdapterView
from .chat import render_prompt
from .config import TrainConfig
from .models import quiet_transformers
from .sampler import Prompt, Sampler
from .self_judge import JUDGING, CriteriaShare, SelfJudge


def asks_self(config: TrainConfig) -> bool:
    """Whether a game of the run, or the run itself, names the frozen model as a judge.

    Raises:
        UsageError: A game is not registered, or does not take a keyword.
    """
    games = [make_game(mix.env_id, **mix.kwargs) for mix in config.games]
    return SELF in (config.judge, *(name for game in games for name in game.judges))


def bound_judges(config: TrainConfig, frozen: Sampler | None, tokenizer: PreTrainedTokenizerBase) -> dict[str, Judge]:
    """`self`, where it is asked: the judge that speaks with a frozen voice and knows how much text its model can take."""
    if frozen is None or not asks_self(config):
        return {}
    speaker = frozen.parent if isinstance(frozen, AdapterView) else frozen
    context = int(getattr(speaker, "context", 1 << 30))

    def fits(prompt: Prompt) -> bool:
        with quiet_transformers():  # which would warn of a text that no model is going to see
            return len(render_prompt(tokenizer, prompt)) + JUDGING.max_new_tokens <= context

    return {SELF: SelfJudge(frozen, names=(config.seed, "self-judge"), fits=fits)}


def own_judge(config: TrainConfig, judges: Mapping[str, Judge]) -> str | Judge:
    """The environments' own judge: a name, or, where that is `self`, the share of its criteria that are met."""
    return CriteriaShare(judges[SELF]) if config.judge == SELF else config.judge
