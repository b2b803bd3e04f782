"""The sampler of each role: with shared weights, with an adapter of its own, or with the starting weights for ever."""

from __future__ import annotations

from collections.abc import Collection

from transformers import PreTrainedTokenizerBase

from ..config.role_schedule import Schedule
from ..config.run import TrainConfig
from ..config.sampler import parse_sampler
from ..learner.learner import Learner
from ..models.adapters import BASE, has_adapters
from ..models.reference import Reference
from ..samplers.base import Sampler
from ..samplers.transformers import TransformersSampler


def samplers_by_role(
    config: TrainConfig,
    roles: Collection[str],
    schedule: Schedule,
    sampler: Sampler,
    frozen: Sampler | None,
) -> dict[str, Sampler]:
    """Samplers of the roles that do not use the shared weights but an adapter of their own, or the starting weights.

    Args:
        config: Of the run.
        roles: All of them.
        schedule: Says who is frozen.
        sampler: Samples for all others.
        frozen: Has the starting weights; may be None where nobody is frozen.
    """
    per_role = config.learner.adapters == "per-role"
    by_role: dict[str, Sampler] = {role: sampler.with_adapter(role) for role in sorted(roles)} if per_role else {}
    if frozen is not None:
        by_role |= dict.fromkeys(sorted(schedule.frozen), frozen)
    return by_role


def frozen_sampler(config: TrainConfig, learner: Learner, sampler: Sampler, tokenizer: PreTrainedTokenizerBase) -> Sampler:
    """A sampler with the learner's present weights for ever; call it before they change, or a state is restored.

    With adapters, `sampler` itself with its adapters switched off. Else with the reference's copy of the weights where the
    algorithm keeps one, so that there are never two.
    """
    if has_adapters(learner.model):
        return sampler.with_adapter(BASE)
    reference = learner.reference or Reference(learner.model)
    with reference.active() as model:
        return TransformersSampler(model, tokenizer, max_rows=config.max_rows)


def needs_copy(config: TrainConfig) -> bool:
    """Whether the sampler would compute with the very module that the learner changes meanwhile."""
    name, options = parse_sampler(config.sampler)
    return config.staleness > 0 and name == "transformers" and options.get("copy", "0").lower() in ("0", "false")
