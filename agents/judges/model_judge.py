"""A language model as a judge: it scores answers by criteria, and compares two answers, each by one prompt per judgement."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from selfplay_envs import JudgeItem, Reply, Score
from selfplay_envs.core.hashing import short_hash

from ..config.sampling import Sampling
from ..core.seeding import seed_of
from .pairs import Pair, Preference
from .prompts import CRITERIA, choice_prompt, read_choice, read_score, score_prompt

if TYPE_CHECKING:  # stays light: whoever has a sampler has loaded torch
    from ..models.chat import Prompt
    from ..samplers.base import Sampler

T = TypeVar("T")
JUDGING = Sampling(temperature=0.0, max_new_tokens=256)
"""The likeliest judgement, so that chance earns no reward."""
TOO_LONG, REFUSED, CUT_OFF, UNREADABLE = "too_long", "refused", "cut_off", "unreadable"
"""Why there is no judgement: the model has no room for texts and judgement, or was not willing to read them; its reply ended at
the token limit, or does not end with what was asked for."""


@dataclass(frozen=True, slots=True)
class Judgement(Generic[T]):
    """What a model said of one prompt: a value, or why there is none."""

    value: T | None
    reason: str = "ok"


class ModelJudge:
    """Scores and compares answers by a sampler's judgements of them.

    A judgement is a function of (weights, item): neither the batch nor its order matters, but for floating-point rounding.
    Equal items of a batch are judged once.

    Args:
        sampler: Whose replies are the judgements.
        sampling: Settings by which they are sampled.
        name: Of the judge.
        criteria: One point each.
        scale: Value of an answer that meets all of them; None: the number of points.
        names: Path that names the seeds of judgements, such as (run seed, "self-judge"), before the item's own name.
        fits: Whether the model has room for a prompt and the judgement; None takes that for granted.
    """

    def __init__(
        self,
        sampler: Sampler,
        sampling: Sampling = JUDGING,
        *,
        name: str,
        criteria: Sequence[str] = CRITERIA,
        scale: float | None = None,
        names: Sequence[int | str] = (),
        fits: Callable[[Prompt], bool] | None = None,
    ) -> None:
        from ..samplers.deprecated import with_current_names  # late, as it loads torch

        self.sampler = with_current_names(sampler)
        self.sampling = sampling
        self.name = name
        self.criteria = tuple(criteria)
        self.counts: Counter[str] = Counter()
        """Judgements asked for under `judged`, and by its reason every one that there is none of."""
        self._scale = len(self.criteria) if scale is None else scale
        self._names = tuple(names or (name,))
        self._fits = fits
        self._counting = threading.Lock()

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value per answer: its points, on this judge's scale.

        The reason is `ok`, or why the first answer without points has the value 0; see `UNREADABLE`.
        """
        prompts = {
            (item.messages, answer): score_prompt(item.messages, answer, self.criteria)
            for item in items
            for answer in item.answers
        }
        found = self._ask(prompts.values(), lambda text: read_score(text, len(self.criteria)))
        return [self._score([found[prompts[item.messages, answer]] for answer in item.answers]) for item in items]

    def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
        """One preference per pair, in order."""
        prompts = [choice_prompt(pair.messages, pair.first, pair.second) for pair in pairs]
        found = self._ask(prompts, read_choice)
        judged = [found[prompt] for prompt in prompts]
        self._count(judged)
        return [Preference(one.value or "", one.reason) for one in judged]

    def _ask(self, prompts: Iterable[Prompt], read: Callable[[str], T | None]) -> dict[Prompt, Judgement[T]]:
        """What the model says of each prompt."""
        distinct = list(dict.fromkeys(prompts))
        fitting = [prompt for prompt in distinct if self._fits is None or self._fits(prompt)]
        seeds = [(seed_of(*self._names, short_hash(prompt)),) for prompt in fitting]
        found: dict[Prompt, Judgement[T]] = {prompt: Judgement(None, TOO_LONG) for prompt in distinct}
        for prompt, reply in zip(fitting, self._replies(fitting, seeds) if fitting else (), strict=True):
            found[prompt] = self._read(reply, read) if isinstance(reply, Reply) else Judgement(None, reply)
        return found

    def _replies(self, prompts: Sequence[Prompt], seeds: Sequence[Sequence[int]]) -> list[Reply | str]:
        """The model's reply to each prompt, or why there is none."""
        return [reply for [reply] in self.sampler.generate(prompts, self.sampling, seeds)]

    def _read(self, reply: Reply, read: Callable[[str], T | None]) -> Judgement[T]:
        if reply.finish_reason != "stop":
            return Judgement(None, CUT_OFF)
        value = read(reply.text)
        return Judgement(None, UNREADABLE) if value is None else Judgement(value)

    def _score(self, judged: Sequence[Judgement[int]]) -> Score:
        """The values of one item, and the first reason why one is missing."""
        self._count(judged)
        reasons = (one.reason for one in judged if one.value is None)
        values = tuple(self._scale * (one.value or 0) / len(self.criteria) for one in judged)
        return Score(values=values, reason=next(reasons, "ok"))

    def _count(self, judged: Sequence[Judgement[T]]) -> None:
        with self._counting:
            self.counts["judged"] += len(judged)
            self.counts.update(one.reason for one in judged if one.value is None)
