"""The frozen model as a judge of quality: seven yes-or-no criteria, added up to a score from 0 to 7.

The self-reward R_Q of Language Self-Play: it keeps the challenger's requests sensible and the solver's answers helpful, which a
verifier or a reward model alone does not. Two of the criteria rate the request, which is why it rewards the challenger too.

See: Kuba et al., Language Self-Play, arXiv 2509.07414, box 3. The paper does not report the score of a judgement that cannot be
read; here it is 0, with a reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selfplay_envs import JudgeItem, Score
from selfplay_envs.core.judging import SELF, Judge

from ..config.sampling import Sampling
from .model_judge import CUT_OFF, JUDGING, UNREADABLE, ModelJudge
from .pairs import Pair, Preference
from .prompts import CRITERIA

if TYPE_CHECKING:  # stays light: whoever has a sampler has loaded torch
    from ..models.chat import Prompt
    from ..samplers.base import Sampler


class SelfJudge(ModelJudge):
    """Scores answers from 0 to 7, and compares answers; see `ModelJudge`.

    Args:
        sampler: Has weights that never change, as the score would otherwise drift with what it judges; see
            `agents.training.role_samplers.frozen_sampler`.
        sampling: Settings by which judgements are sampled.
        names: Path that names the seeds of judgements, such as (run seed, "self-judge"), before the item's own name.
        fits: Whether the model has room for a prompt and the judgement; None takes that for granted.
    """

    def __init__(
        self,
        sampler: Sampler,
        sampling: Sampling = JUDGING,
        *,
        names: Sequence[int | str] = ("self-judge",),
        fits: Callable[[Prompt], bool] | None = None,
    ) -> None:
        super().__init__(sampler, sampling, name=SELF, names=names, fits=fits)

    @property
    def unparsed_share(self) -> float:
        """Of the judgements so far, those that were cut off or could not be read."""
        return (self.counts[UNREADABLE] + self.counts[CUT_OFF]) / max(1, self.counts["judged"])


class CriteriaShare:
    """The self-judge as an environment's own judge, whose values lie in [0, 1]: the share of the criteria that are met.

    Args:
        judge: Scores from 0 to 7.
    """

    name = SELF

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value in [0, 1] per answer; reasons are the judge's."""
        return [
            replace(score, values=tuple(value / len(CRITERIA) for value in score.values)) for score in self.judge.score(items)
        ]


def own_judge(text: str, judges: Mapping[str, Judge]) -> str | Judge:
    """The environments' own judge: a text, or, where that is `self`, the share of its criteria that are met."""
    return CriteriaShare(judges[SELF]) if text == SELF else text


class OpenedOnUse:
    """A judge that is opened when it is first asked, as it may never be.

    Args:
        name: Its text.
        open: Opens it.
    """

    def __init__(self, name: str, open: Callable[[], Judge]) -> None:
        self.name = name
        self._open = open

    @cached_property
    def judge(self) -> Any:
        """The judge itself."""
        return self._open()

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """As the judge scores."""
        return self.judge.score(items)


class SelfOnUse(OpenedOnUse):
    """The judge `self`, opened when it is first asked.

    Args:
        open: Opens it.
    """

    def __init__(self, open: Callable[[], SelfJudge]) -> None:
        super().__init__(SELF, open)

    def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
        """As the judge compares."""
        return self.judge.compare(pairs)
