"""Models asked the same and compared token by token: each on its own replies, and every one and the base on each other's.

One model is in memory at a time; the base is opened a second time for the replies of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from selfplay_envs import UsageError

from ...batching.batch import Sample
from .tokens import ALL, HIGH, TokenOverlap, TokenScores, TokenSummary, compare_tokens, summarise


class Policy(Protocol):
    """A model that is open."""

    @property
    def words(self) -> Mapping[int, str]:
        """Its tokens by id."""
        ...

    def sample(self) -> list[Sample]:
        """Its replies to what all models are asked."""
        ...

    def score(self, samples: Sequence[Sample]) -> TokenScores:
        """Scores of given replies."""
        ...


Open = Callable[[str], AbstractContextManager[Policy]]
"""Opens the model of a name, and closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyStudy:
    """What was found; entropies in nats per token."""

    threshold: float
    """Quantile `HIGH` of the base's entropies, on its own replies or on the recorded ones."""
    summaries: Sequence[TokenSummary]
    overlaps: Sequence[TokenOverlap]
    """Of the base with every other model, on the replies of each of the two."""


def study_models(names: Sequence[str], opened: Open) -> EntropyStudy:
    """Samples from every model, and scores the replies of base and others by both.

    Args:
        names: Of the models; the first is the base.
        opened: Opens one.

    Raises:
        UsageError: A token that was sampled means something else to another model.
    """
    base, others = names[0], names[1:]
    with opened(base) as policy:
        replies = {base: policy.sample()}
        words, scores = policy.words, {(base, base): policy.score(replies[base])}
    for name in others:
        with opened(name) as policy:
            replies[name] = policy.sample()
            _check_words(base, words, name, policy.words, [*replies[base], *replies[name]])
            scores |= {(name, whose): policy.score(replies[whose]) for whose in (name, base)}
    if others:
        with opened(base) as policy:
            scores |= {(base, name): policy.score(replies[name]) for name in others}
    overlaps = [
        _compare(scores, replies, base, name, whose) for name in others for whose in (base, name)
    ]  # on the replies of both
    return _study(base, names, lambda name: name, replies, scores, overlaps)


def study_recorded(names: Sequence[str], samples: Sequence[Sample], source: str, opened: Open) -> EntropyStudy:
    """Scores recorded replies by every model.

    Args:
        names: Of the models; the first is the base.
        samples: The replies.
        source: What they are called, such as their file.
        opened: Opens one.

    Raises:
        UsageError: A recorded token is none of a model's, or means something else to another one.
    """
    base, replies = names[0], {source: list(samples)}
    scores: dict[tuple[str, str], TokenScores] = {}
    words: Mapping[int, str] = {}
    for name in names:
        with opened(name) as policy:
            words = words or policy.words
            _check_words(base, words, name, policy.words, samples)
            scores[name, source] = policy.score(samples)
    overlaps = [_compare(scores, replies, base, name, source) for name in names[1:]]
    return _study(base, names, lambda name: source, replies, scores, overlaps)


def message_groups(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Places of replies by group: all, and where there are several, every role and every role and task type."""
    groups: dict[str, list[int]] = {ALL: list(range(len(samples)))}
    roles: dict[str, list[int]] = {}
    types: dict[str, list[int]] = {}
    for place, sample in enumerate(samples):
        roles.setdefault(sample.tag.role, []).append(place)
        types.setdefault(sample.tag.metric_group, []).append(place)
    groups |= dict(sorted(roles.items())) if len(roles) > 1 else {}
    return groups | (dict(sorted(types.items())) if len(types) > len(roles) or len(types) > 1 else {})


def _study(
    base: str,
    names: Sequence[str],
    asked: Callable[[str], str],
    replies: Mapping[str, Sequence[Sample]],
    scores: Mapping[tuple[str, str], TokenScores],
    overlaps: Sequence[TokenOverlap],
) -> EntropyStudy:
    """Summaries of every model on the replies that `asked` names for it, by group."""
    threshold = float(np.quantile(scores[base, asked(base)].entropy_N, HIGH))
    summaries: list[TokenSummary] = []
    for name in names:
        whose = asked(name)
        clusters = _prompts(replies[whose])
        for group, places in message_groups(replies[whose]).items():
            part = scores[name, whose].of(places)
            summaries.append(summarise(part, clusters, threshold, model=name, replies=whose, group=group))
    return EntropyStudy(threshold=threshold, summaries=summaries, overlaps=overlaps)


def _compare(
    scores: Mapping[tuple[str, str], TokenScores],
    replies: Mapping[str, Sequence[Sample]],
    base: str,
    name: str,
    whose: str,
) -> TokenOverlap:
    clusters = _prompts(replies[whose])
    pair = scores[base, whose], scores[name, whose]
    return compare_tokens(*pair, clusters, names=(base, name), replies=whose, by_other=whose == name)


def _prompts(samples: Sequence[Sample]) -> list[int]:
    """The prompt of every reply, from 0."""
    numbers: dict[tuple[int, ...], int] = {}
    return [numbers.setdefault(tuple(sample.reply.prompt_ids), len(numbers)) for sample in samples]


def _check_words(base: str, words: Mapping[int, str], name: str, others: Mapping[int, str], samples: Sequence[Sample]) -> None:
    """Refuses models to which a token of the replies is not the same word: they cannot be compared token by token."""
    used = sorted({token for sample in samples for token in (*sample.reply.prompt_ids, *sample.reply.token_ids)})
    wrong = next((token for token in used if words.get(token) != others.get(token) or token not in others), None)
    if wrong is not None:
        raise UsageError(
            f"model={name!r}: token {wrong} is {others.get(wrong)!r} to it and {words.get(wrong)!r} to {base}; only models "
            "with one tokenizer can be compared token by token."
        )
