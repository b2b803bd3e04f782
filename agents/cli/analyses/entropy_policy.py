"""A model that is open for `selfplay analyze entropy`: it samples and scores replies, and shows how far it is."""

from __future__ import annotations

import gc
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console

from ...arguments.open_model import OpenedModel, open_model
from ...config.sampling import Sampling
from ...display.progress import WorkProgress
from ...display.tables import say

if TYPE_CHECKING:  # they load torch
    from ...analysis.entropy.asking import Asked
    from ...analysis.entropy.tokens import TokenScores
    from ...batching.batch import Sample
    from .entropy_options import Entropy


@dataclass(frozen=True)
class OpenPolicy:
    """A model that is open, as `agents.analysis.entropy.study` asks it."""

    console: Console
    command: Entropy
    name: str
    opened: OpenedModel
    asked: Sequence[Asked]
    sampling: Sampling | None

    @property
    def words(self) -> Mapping[int, str]:
        """Its tokens by id, those without a word too."""
        model, tokenizer = cast(Any, self.opened.model), cast(Any, self.opened.tokenizer)
        size = model.get_input_embeddings().weight.shape[0]
        return dict.fromkeys(range(size), "") | {number: word for word, number in tokenizer.get_vocab().items()}

    def sample(self) -> list[Sample]:
        """Its replies."""
        from ...analysis.entropy.asking import sample_replies

        assert self.sampling is not None
        progress = WorkProgress(self.console, f"{self.name} replies", len(self.asked) * self.command.samples, "replies")
        with progress:
            return sample_replies(
                self.opened.sampler,
                self.asked,
                self.command.samples,
                self.sampling,
                by_role=self.opened.by_role,
                seed=self.command.seed,
                batch=self.command.batch,
                on_sampled=partial(progress.add, 0),
            )

    def score(self, samples: Sequence[Sample]) -> TokenScores:
        """Scores of given replies."""
        from ...analysis.entropy.scoring import score_replies

        assert self.opened.model is not None
        with WorkProgress(self.console, f"{self.name} scores", len(samples), "replies") as progress:
            return score_replies(
                self.opened.model,
                samples,
                self.command.temperature,
                micro_batch_tokens=self.command.micro_batch_tokens,
                on_scored=partial(progress.add, 0),
            )


@contextmanager
def opened_policy(
    console: Console, command: Entropy, name: str, asked: Sequence[Asked], sampling: Sampling | None
) -> Generator[OpenPolicy]:
    """The model of a name; its memory is free again afterwards."""
    with console.status(f"loading {name} ..."):
        opened = open_model(name, "transformers", device=command.device, max_rows=command.batch, short_cuts=command.short_cuts)
    for note in opened.notes:
        say(console, note)
    try:
        yield OpenPolicy(console, command, name, opened, asked, sampling)
    finally:
        opened.sampler.close()
        del opened
        gc.collect()
