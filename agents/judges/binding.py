"""The judges that a run binds: `self`, the frozen model."""

from __future__ import annotations

from collections.abc import Mapping

from transformers import PreTrainedTokenizerBase

from selfplay_envs.core.judging import SELF, Judge

from ..config.run import TrainConfig
from ..models.chat import Prompt, render_prompt
from ..models.loading import quiet_transformers
from ..samplers.adapter_view import AdapterView
from ..samplers.base import Sampler
from .self_judge import JUDGING, CriteriaShare, SelfJudge


def bound_judges(config: TrainConfig, frozen: Sampler, tokenizer: PreTrainedTokenizerBase) -> dict[str, Judge]:
    """`self`: the judge whose model has the starting weights; it knows how much text that model can take.

    Args:
        config: Of the run.
        frozen: Samples with the starting weights.
        tokenizer: Of the model.
    """
    owner = frozen.parent if isinstance(frozen, AdapterView) else frozen
    context = int(getattr(owner, "context", 1 << 30))

    def fits(prompt: Prompt) -> bool:
        with quiet_transformers():  # which would warn of a text that is too long, and is never read
            return len(render_prompt(tokenizer, prompt)) + JUDGING.max_new_tokens <= context

    return {SELF: SelfJudge(frozen, names=(config.seed, "self-judge"), fits=fits)}


def own_judge(config: TrainConfig, judges: Mapping[str, Judge]) -> str | Judge:
    """The environments' own judge: a name, or, where that is `self`, the share of its criteria that are met."""
    return CriteriaShare(judges[SELF]) if config.judge == SELF else config.judge
