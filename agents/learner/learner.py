"""The learner: optimiser steps on a batch, and the state that goes on from one to the next.

Legend of shape suffixes: B messages, T token positions, N sampled tokens of a micro-batch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..algorithms.algorithm import Algorithm
from ..batching.batch import TokenBatch
from ..config.learner import LearnerConfig
from ..core.errors import LossNotFinite
from ..core.seeding import generator_of
from ..hardware.memory import MEMORY_TURN, free_cached_memory
from ..kernels.embedding_gradients import add_tables_directly, pays_directly
from ..models.adapters import trained_weights, with_lora
from ..models.reference import Reference
from ..models.weights import weights_of
from .gradients import add_gradients
from .logprobs import Scorer
from .master_weights import round_weights
from .mini_batches import over_steps, steps_of
from .optimizer import VALUE_HEAD, WeightOptimizer
from .prepare import prepare
from .prepared_batch import Prepared
from .statistics import LearnerStats
from .token_budget import Part


class Learner:
    """Trains a transformers model on one device. On CPU the same calls give the same bits.

    Args:
        model: Shared with the sampler; wrapped by LoRA adapters if the config says so (then use `learner.model`).
        config: How.
        temperature: The one that replies are sampled with: log-probabilities are those of the tempered distribution.
        roles: Names of the adapters, where the config wants one per role.
        reply_limit: Tokens of the longest reply allowed, for algorithms that divide by it or penalise long replies.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        config: LearnerConfig | None = None,
        *,
        temperature: float = 1.0,
        roles: Sequence[str] = (),
        reply_limit: int = 0,
    ) -> None:
        if temperature <= 0:
            raise ValueError(
                f"temperature={temperature!r} cannot be trained with: greedy replies have no distribution; sample at 1.0."
            )
        self.config = config or LearnerConfig()
        self.reply_limit = reply_limit
        start: dict[str, Tensor] = {}
        if self.config.dtype == "bfloat16":
            if not self.config.lora_rank:
                start = {name: p.detach() for name, p in trained_weights(model).items()}  # kept as the masters, not copied
            round_weights(model, torch.bfloat16)
        self.model = with_lora(model, self.config, roles) if self.config.lora_rank else model
        if self.config.gradient_checkpointing:
            cast(Any, self.model).gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self.scorer = Scorer(self.model, self.config, temperature)
        self.policy_version = 0
        """Updates so far, each on one collected batch."""
        self.heed: Callable[[], None] = lambda: None
        """Called before every micro-batch of an update; an error that it raises ends the update, and nothing was changed."""
        self.algorithm_state: dict[str, dict[str, float]] = {}
        """States of algorithms that last from batch to batch, by their names."""
        self._weights = WeightOptimizer(self.model, self.config, start)
        if pays_directly(self.model):
            add_tables_directly(self.model, self._weights.masters.weights)
        free_cached_memory()  # of the weights as they were loaded

    @property
    def trainable(self) -> Mapping[str, nn.Parameter]:
        """Weights that the optimiser changes, by name: in float32 or wider."""
        return self._weights.weights

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimiser of torch."""
        return self._weights.optimizer

    @property
    def optimizer_steps(self) -> int:
        """Optimiser steps so far, which warm-up counts."""
        return self._weights.steps

    @property
    def reference(self) -> Reference | None:
        """The starting weights, where `keep_reference` was called."""
        return self.scorer.reference

    def update(self, batch: TokenBatch, algorithm: Algorithm) -> dict[str, float]:
        """Changes the weights by `config.epochs` x `config.mini_batches` optimiser steps; raises `policy_version` by 1.

        A batch of which nothing is left to train on changes nothing and reports `tokens` 0. An update that fails, or that
        `heed` ends, in whichever of its steps, leaves weights, optimiser, algorithm state and versions as they were.

        Returns:
            loss, grad_norm, lr, entropy (exact, full vocabulary), entropy_sampled, approx_kl (k3 against the sampler),
            clip_fraction, ratio_mean, ratio_min, ratio_max, tokens, padding_waste (share of the positions computed); entropy
            and entropy_sampled per group as `role/task_type/entropy`; where there is one, kl_reference, tis_weight and
            value_loss; micro_batch_tokens once they had to be halved. Nats per sampled token. Of several steps the means,
            weighted by their tokens; see `learner.mini_batches.over_steps`. Of the batch: dropped (messages left out),
            optimizer_steps (of this update), no_signal (1 where no message has an advantage other than 0, else 0).

        Raises:
            ValueError: The algorithm needs siblings that are not there, or may not take several steps on one batch.
            LossNotFinite: The loss, or its gradient, is not finite.
            OutOfMemory: Even one message at a time does not fit.
        """
        epochs, mini_batches, version = self.config.epochs, self.config.mini_batches, self.policy_version
        steps = epochs * mini_batches
        algorithm.check_off_policy(steps=steps, stale=False)
        state = dict(self.algorithm_state.get(algorithm.name, {}))  # kept once the update has succeeded
        rng = generator_of("learner", version)
        self.heed()
        rows: list[dict[str, float]] = []
        with MEMORY_TURN, self._value_head_for(algorithm), self._weights.all_or_nothing(several=steps > 1):
            if algorithm.wants_reference:
                self.scorer.need_reference(self.policy_version > 0)
            ready = prepare(
                batch,
                algorithm,
                self.scorer,
                state=state,
                rng=rng,
                reply_limit=self.reply_limit,
                policy_version=version,
                steps=steps,
            )
            if ready is None:
                return {"tokens": 0.0, "dropped": float(len(batch)), "no_signal": 1.0}
            for part in steps_of(ready, epochs, mini_batches, rng):
                rows.append(self._train_on(part if rows else part.first(), algorithm))
        if state:
            self.algorithm_state[algorithm.name] = state
        self.policy_version = version + 1
        no_signal = float(not bool(ready.advantage_BT.any()))
        return {**over_steps(rows, epochs), **ready.metrics, "optimizer_steps": float(len(rows)), "no_signal": no_signal}

    def logprobs(self, batch: TokenBatch) -> Tensor:
        """Log-probabilities of the sampled tokens under the present weights, float32 (B, T), 0 off the mask."""
        return self.scorer.score_batch(batch).logprobs_BT

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        """The same under the starting weights.

        Raises:
            ValueError: They were not kept, and have changed.
        """
        self.scorer.need_reference(self.policy_version > 0)
        return self.scorer.reference_logprobs(batch)

    def keep_reference(self) -> None:
        """Keeps the present weights as the reference, for algorithms with a KL term; call it before restoring a state."""
        self.scorer.reference = Reference(self.model)

    def sync(self, sampler: Any) -> None:
        """Deprecated: a sampler loads weights by itself, see `agents.training.weight_sync`."""
        warnings.warn("Learner.sync is now Sampler.load_weights(weights_of(model, version)).", DeprecationWarning, stacklevel=2)
        load = getattr(sampler, "load_weights", lambda weights: sampler.receive(weights.model, weights.version))
        load(weights_of(self.model, self.policy_version))

    def state_dict(self) -> dict[str, Any]:
        """All that goes on bit for bit, on the CPU, left alone by later updates: weights, optimiser, versions, budget."""
        return {
            **self._weights.state_dict(),
            "policy_version": self.policy_version,
            "memory": {name: dict(state) for name, state in self.algorithm_state.items()},
            "budget": self.scorer.budget.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` saved.

        Raises:
            ValueError: The state is of a model with other trained weights.
        """
        self._set_value_head(VALUE_HEAD in state["weights"])
        self._weights.load_state_dict(state, steps=state["policy_version"] * self.config.epochs)
        self.policy_version = state["policy_version"]
        self.algorithm_state = {name: dict(kept) for name, kept in state["memory"].items()}
        self.scorer.budget.load_state_dict(state.get("budget", {}))  # older states have none

    def _train_on(self, part: Prepared, algorithm: Algorithm) -> dict[str, float]:
        """One optimiser step on a mini-batch, and its metrics."""
        loss, stats = self._accumulate(part, algorithm)
        if not math.isfinite(loss):
            raise LossNotFinite(f"the loss is {loss} at policy version {self.policy_version}.")
        metrics = {"loss": loss, **stats.means()}
        if self.scorer.value_head is not None:
            metrics["value_loss"] = stats.value_error
        if self.scorer.budget.tokens < self.config.micro_batch_tokens:
            metrics["micro_batch_tokens"] = float(self.scorer.budget.tokens)
        return {**metrics, **self._weights.step()}

    def _accumulate(self, ready: Prepared, algorithm: Algorithm) -> tuple[float, LearnerStats]:
        """The gradient of a step, from none; where it fails, none is left."""
        pairs = "pairs" in algorithm.needs

        def work(parts: Sequence[Part]) -> tuple[float, LearnerStats]:
            self._weights.zero_grad()
            try:
                with self.scorer.training():
                    return add_gradients(self.scorer, ready, algorithm, parts, self.heed)
            except BaseException:
                self._weights.zero_grad()
                raise

        longest = ready.batch.ids_BT.shape[1]
        return self.scorer.budget.fit(
            lambda tokens: self.scorer.parts(ready.batch, tokens, pairs=pairs), work, longest=longest, unit=2 if pairs else 1
        )

    def _set_value_head(self, needed: bool) -> None:
        """Makes a value head that starts at 0 and trains with the rest, keeps the one that is there, or drops it."""
        if needed and self.scorer.value_head is None:
            self._weights.add_value_head(self.scorer.make_value_head())
        elif not needed:
            self.scorer.value_head = None
            self._weights.drop_value_head()

    @contextmanager
    def _value_head_for(self, algorithm: Algorithm) -> Generator[None]:
        """A value head inside, if the algorithm needs one; one that was made here goes again where what is inside fails."""
        had = self.scorer.value_head is not None
        self._set_value_head(had or "value_head" in algorithm.needs)
        try:
            yield
        except BaseException:
            self._set_value_head(had)
            raise
