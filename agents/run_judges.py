"""The judge that a run holds itself: `self`, the frozen model."""

from __future__ import annotations

from collections.abc import Mapping

from transformers import PreTrainedTokenizerBase

from selfplay_envs.game import Judge
from selfplay_envs.judges import SELF

from .adapter_view import AdapterView
from .chat import render_prompt
from .config import TrainConfig
from .models import quiet_transformers
from .sampler import Prompt, Sampler
from .self_judge import JUDGING, CriteriaShare, SelfJudge


def bound_judges(config: TrainConfig, frozen: Sampler, tokenizer: PreTrainedTokenizerBase) -> dict[str, Judge]:
    """`self`: the judge that speaks with a frozen voice and knows how much text its model can take."""
    speaker = frozen.parent if isinstance(frozen, AdapterView) else frozen
    context = int(getattr(speaker, "context", 1 << 30))

    def fits(prompt: Prompt) -> bool:
        with quiet_transformers():  # which would warn of a text that no model is going to see
            return len(render_prompt(tokenizer, prompt)) + JUDGING.max_new_tokens <= context

    return {SELF: SelfJudge(frozen, names=(config.seed, "self-judge"), fits=fits)}


def own_judge(config: TrainConfig, judges: Mapping[str, Judge]) -> str | Judge:
    """The environments' own judge: a name, or, where that is `self`, the share of its criteria that are met."""
    return CriteriaShare(judges[SELF]) if config.judge == SELF else config.judge
