"""Who speaks with which weights: shared ones, an adapter per role, or the starting weights for ever; and how exactly."""

from __future__ import annotations

from collections.abc import Collection

from transformers import PreTrainedTokenizerBase

from .adapters import BASE, has_adapters
from .config import TrainConfig
from .learner import Learner
from .reference import Reference
from .sampler import Sampler, TransformersSampler
from .sampler_text import parse_sampler
from .schedule import Schedule
from .sync_check import COARSE_SPREAD, SyncCheck


def voices_by_role(
    config: TrainConfig,
    roles: Collection[str],
    schedule: Schedule,
    sampler: Sampler,
    frozen: Sampler | None,
) -> dict[str, Sampler]:
    """Samplers of the roles that do not speak with the shared weights: adapters of their own, or the starting weights.

    Args:
        config: Of the run.
        roles: All of them.
        schedule: Says who is frozen.
        sampler: Speaks for all others.
        frozen: Speaks with the starting weights; may be None where nobody is frozen.
    """
    per_role = config.learner.adapters == "per-role"
    voices: dict[str, Sampler] = {role: sampler.speaking_as(role) for role in sorted(roles)} if per_role else {}
    if frozen is not None:
        voices |= dict.fromkeys(sorted(schedule.frozen), frozen)
    return voices


def frozen_voice(config: TrainConfig, learner: Learner, sampler: Sampler, tokenizer: PreTrainedTokenizerBase) -> Sampler:
    """Speaks with the learner's present weights for ever; call it before they change, or a state is restored.

    With adapters, `sampler` itself with its adapters switched off. Else with the reference's copy of the weights where the
    algorithm keeps one, so that there are never two.
    """
    if has_adapters(learner.model):
        return sampler.speaking_as(BASE)
    kept = learner.reference or Reference(learner.model)
    with kept.speaking() as model:
        return TransformersSampler(model, tokenizer, max_rows=config.max_rows)


def needs_copy(config: TrainConfig) -> bool:
    """Whether the sampler would speak through the very module that the learner changes meanwhile."""
    name, options = parse_sampler(config.sampler)
    return config.staleness > 0 and name == "transformers" and options.get("copy", "0").lower() in ("0", "false")


def sync_check(config: TrainConfig, tokenizer: PreTrainedTokenizerBase) -> SyncCheck:
    """A run's, with the config's tolerance, or what arithmetic explains: see `TrainConfig.sync_tolerance`."""
    name, options = parse_sampler(config.sampler)
    engine = name != "transformers"
    coarse = config.learner.dtype == "bfloat16" or (engine and options.get("dtype") != "float32")
    tolerance = config.sync_tolerance or (0.1 if coarse else 1e-2 if engine else 1e-3)
    return SyncCheck(tokenizer, config.sampling.temperature, tolerance, spread=COARSE_SPREAD if coarse else 1.0)
