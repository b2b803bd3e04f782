"""The judges that a run binds: `self`, the frozen model, and those that are opened before the run's own model is.

How a judge is found by its text: `rules` and others that need no model stand in the table of `selfplay_envs.judges.registry`;
`reward-model:...` and `endpoint:...` come from this package's entry points, so that `gym.make(..., judge=TEXT)` knows them too;
`self` alone needs somebody who has the model, and binds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from transformers import PreTrainedTokenizerBase

from selfplay_envs.core.judging import SELF, Judge
from selfplay_envs.judges.registry import is_pure, open_judge

from ..models.chat import Prompt, render_prompt
from ..models.loading import quiet_transformers
from ..samplers.adapter_view import AdapterView
from ..samplers.base import Sampler
from .model_judge import JUDGING
from .self_judge import SelfJudge


def self_judge(seed: int, frozen: Sampler, tokenizer: PreTrainedTokenizerBase) -> SelfJudge:
    """The judge whose model has the starting weights; it knows how much text that model can take.

    Args:
        seed: Of the run.
        frozen: Samples with the starting weights.
        tokenizer: Of the model.
    """
    owner = frozen.parent if isinstance(frozen, AdapterView) else frozen
    context = int(getattr(owner, "context", 1 << 30))

    def fits(prompt: Prompt) -> bool:
        with quiet_transformers():  # which would warn of a text that is too long, and is never read
            return len(render_prompt(tokenizer, prompt)) + JUDGING.max_new_tokens <= context

    return SelfJudge(frozen, names=(seed, "self-judge"), fits=fits)


def open_judges(texts: Iterable[str]) -> dict[str, Judge]:
    """The judges of these texts, opened, but for `self` and for those that cost nothing to open.

    Raises:
        UsageError: One does not open, such as a model that is not on this machine.
    """
    return {text: open_judge(text) for text in dict.fromkeys(texts) if text != SELF and not is_pure(text)}


def rest(judges: Iterable[Judge]) -> None:
    """Has every judge that can give its memory back do so, until it is asked again."""
    for judge in judges:
        release: Any = getattr(judge, "release_memory", None)
        if callable(release):
            release()
