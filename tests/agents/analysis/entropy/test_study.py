"""Models compared on the same tokens, with the models that are open at a time."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from agents.analysis.entropy.study import EntropyStudy, Policy, message_groups, study_models, study_recorded
from agents.analysis.entropy.tokens import TokenScores
from agents.batching.batch import Sample
from selfplay_envs import UsageError
from tests.helpers.batches import sample

WORDS = dict(enumerate("abcdefghij"))


@dataclass(frozen=True)
class Toy:
    """Its entropy of a token is `scale` times the token's number; it replies with tokens from `first` on."""

    scale: float
    first: int = 0
    words: Mapping[int, str] = None  # type: ignore[assignment]

    def sample(self) -> list[Sample]:
        return [
            sample((prompt,), tuple((self.first + i) % 10 for i in range(5)), task_type=kind)
            for prompt, kind in ((1, "x"), (2, "y"))
        ]

    def score(self, samples: Sequence[Sample]) -> TokenScores:
        tokens = [np.array(one.reply.token_ids) for one in samples]
        numbers = np.repeat(np.arange(len(samples)), [len(of) for of in tokens])
        together = np.concatenate(tokens)
        return TokenScores(
            abs(self.scale) * (together if self.scale > 0 else 9 - together), -self.scale * np.ones(len(numbers)), numbers
        )


def studied(
    models: Mapping[str, Toy], *, words: Mapping[str, Mapping[int, str]] | None = None
) -> tuple[EntropyStudy, list[str]]:
    log: list[str] = []

    @contextmanager
    def opened(name: str) -> Generator[Policy]:
        assert not log or log[-1].startswith("-")  # the one before is closed
        log.append(f"+{name}")
        toy = models[name]
        yield Toy(toy.scale, toy.first, (words or {}).get(name, WORDS))
        log.append(f"-{name}")

    return study_models(list(models), opened), log


def test_a_model_beside_itself_changes_nothing_and_shares_all() -> None:
    study, log = studied({"base": Toy(0.5), "same": Toy(0.5)})
    assert log == ["+base", "-base", "+same", "-same", "+base", "-base"]
    for one in study.overlaps:
        assert (one.overlap, one.change.mean, one.kl.mean) == (1.0, 0.0, 0.0)
    assert [one.replies for one in study.overlaps] == ["base", "same"]
    mine, same = (next(s for s in study.summaries if (s.model, s.group) == (name, "all")) for name in ("base", "same"))
    assert mine.exact == same.exact


def test_base_and_others_by_hand() -> None:
    """The base says 0 1 2 3 4 twice at 0.5 nats a number, the other 5 6 7 8 9 at a quarter of what is left to 9."""
    study, _ = studied({"base": Toy(0.5), "other": Toy(-0.25, 5)})
    assert study.threshold == pytest.approx(np.quantile([0, 0.5, 1, 1.5, 2] * 2, 0.8))
    summaries = {(one.model, one.group): one for one in study.summaries}
    assert list(summaries) == [(name, group) for name in ("base", "other") for group in ("all", "solver/x", "solver/y")]
    assert summaries["base", "all"].exact.mean == 1.0
    assert summaries["other", "all"].exact.mean == pytest.approx(0.5)
    assert summaries["base", "all"].high_share == 0.2
    on_base, on_other = study.overlaps
    assert on_base.change.mean == pytest.approx(0.25 * 7 - 1.0)  # of 0..4: mean of (9 - t) / 4 is 7/4
    assert on_other.change.mean == pytest.approx(0.5 - 3.5)
    assert (on_base.overlap, on_base.chance) == (0.0, 0.2)  # 4 is the base's most uncertain, 0 the other's
    assert (on_base.kl.mean, on_other.kl.mean) == (pytest.approx(-0.75), pytest.approx(0.75))


def test_models_with_another_tokenizer_are_refused() -> None:
    with pytest.raises(
        UsageError, match=r"^model='other': token 3 is 'X' to it and 'd' to base; only models with one tokenizer"
    ):
        studied({"base": Toy(1.0), "other": Toy(1.0)}, words={"other": {**WORDS, 3: "X"}})
    studied({"base": Toy(1.0), "other": Toy(1.0)}, words={"other": {**WORDS, 9: "X"}})  # which nobody said
    with pytest.raises(UsageError, match="token 4 is None to it"):
        studied({"base": Toy(1.0), "other": Toy(1.0)}, words={"other": dict(list(WORDS.items())[:4])})


def test_recorded_replies_are_scored_by_all() -> None:
    samples = [sample((1,), (0, 1, 2, 3, 4), role=role) for role in ("proposer", "solver")]

    @contextmanager
    def opened(name: str) -> Generator[Policy]:
        yield Toy({"base": 1.0, "other": -1.0}[name], 0, WORDS)

    study = study_recorded(["base", "other"], samples, "file", opened)
    assert {one.replies for one in study.summaries} == {"file"}
    assert [(one.model, one.replies, one.overlap) for one in study.overlaps] == [("other", "file", 0.0)]
    assert [one.exact.mean for one in study.summaries if one.group == "all"] == [2.0, 7.0]
    with pytest.raises(UsageError, match="model='base': token 77 is None"):
        study_recorded(["base"], [sample((1,), (77,))], "file", opened)


def test_groups_say_nothing_twice() -> None:
    assert list(message_groups([sample((1,), (2,))])) == ["all"]
    assert list(message_groups([sample((1,), (2,), role=role) for role in ("a", "b")])) == ["all", "a", "b"]
    typed = [sample((1,), (2,), role=role, task_type=kind) for role, kind in (("a", "x"), ("b", "x"), ("b", "y"))]
    assert message_groups(typed) == {"all": [0, 1, 2], "a": [0], "b": [1, 2], "a/x": [0], "b/x": [1], "b/y": [2]}
