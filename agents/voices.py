"""Who speaks with which weights: shared ones, an adapter per role, or the starting weights for ever; and how exactly."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from transformers import PreTrainedTokenizerBase

from selfplay_envs.game import Judge
from selfplay_envs.judges import SELF
from selfplay_envs.registration import make_game

from .adapter_view import AdapterView
from .adapters import BASE, has_adapters
from .chat import render_prompt
from .config import TrainConfig
from .learner import Learner
from .models import quiet_transformers
from .reference import Reference
from .sampler import Prompt, Sampler, TransformersSampler
from .sampler_text import parse_sampler
from .schedule import Schedule
from .self_judge import JUDGING, CriteriaShare, SelfJudge


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


def asks_self(config: TrainConfig) -> bool:
    """Whether a game of the run, or the run itself, names the frozen model as a judge.

    Raises:
        UsageError: A game is not registered, or does not take a keyword.
    """
    games = [make_game(mix.env_id, **mix.kwargs) for mix in config.games]
    return SELF in (config.judge, *(name for game in games for name in game.judges))


def bound_judges(config: TrainConfig, frozen: Sampler | None, tokenizer: PreTrainedTokenizerBase) -> dict[str, Judge]:
    """`self`, where it is asked: the judge that speaks with a frozen voice and knows how much text its model can take."""
    if frozen is None or not asks_self(config):
        return {}
    speaker = frozen.parent if isinstance(frozen, AdapterView) else frozen
    context = int(getattr(speaker, "context", 1 << 30))

    def fits(prompt: Prompt) -> bool:
        with quiet_transformers():  # which would warn of a text that no model is going to see
            return len(render_prompt(tokenizer, prompt)) + JUDGING.max_new_tokens <= context

    return {SELF: SelfJudge(frozen, names=(config.seed, "self-judge"), fits=fits)}


def own_judge(config: TrainConfig, judges: Mapping[str, Judge]) -> str | Judge:
    """The environments' own judge: a name, or, where that is `self`, the share of its criteria that are met."""
    return CriteriaShare(judges[SELF]) if config.judge == SELF else config.judge


def needs_copy(config: TrainConfig) -> bool:
    """Whether the sampler would speak through the very module that the learner changes meanwhile."""
    name, options = parse_sampler(config.sampler)
    return config.staleness > 0 and name == "transformers" and options.get("copy", "0").lower() in ("0", "false")


def sync_tolerance(config: TrainConfig) -> float:
    """The config's, or what arithmetic explains: see `TrainConfig.sync_tolerance`."""
    name, options = parse_sampler(config.sampler)
    engine = name != "transformers"
    coarse = config.learner.dtype == "bfloat16" or (engine and options.get("dtype") != "float32")
    return config.sync_tolerance or (0.3 if coarse else 1e-2 if engine else 1e-3)
