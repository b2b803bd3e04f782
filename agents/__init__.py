"""Policies, algorithms and the training loop. Light to import: torch is loaded when a name that needs it is first used."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent import Agent
    from .algorithm import Algorithm
    from .algorithms import ALGORITHMS, find_algorithm
    from .batch import Sample, Tag, TokenBatch, collate, samples_of
    from .collect import Collector
    from .config import EvalConfig, GameMix, TrainConfig
    from .curriculum import Curriculum
    from .errors import AgentError, CheckpointError, ModelUnavailable
    from .evaluate import EvalResult, evaluate
    from .events import Event
    from .held_out import load_tasks
    from .learner import Learner
    from .learner_config import LearnerConfig
    from .models import load_model
    from .objective import Objective
    from .presets import PRESETS, find_preset
    from .sampler import Sampler, ScriptedSampler, TransformersSampler
    from .sampling import Sampling
    from .self_judge import SelfJudge
    from .statistics import bootstrap_difference, pass_at_k
    from .train import train

_HOMES = {
    "agent": ("Agent",),
    "algorithm": ("Algorithm",),
    "algorithms": ("ALGORITHMS", "find_algorithm"),
    "batch": ("Sample", "Tag", "TokenBatch", "collate", "samples_of"),
    "collect": ("Collector",),
    "config": ("EvalConfig", "GameMix", "TrainConfig"),
    "curriculum": ("Curriculum",),
    "errors": ("AgentError", "CheckpointError", "ModelUnavailable"),
    "evaluate": ("EvalResult", "evaluate"),
    "events": ("Event",),
    "held_out": ("load_tasks",),
    "learner": ("Learner",),
    "learner_config": ("LearnerConfig",),
    "models": ("load_model",),
    "objective": ("Objective",),
    "presets": ("PRESETS", "find_preset"),
    "sampler": ("Sampler", "ScriptedSampler", "TransformersSampler"),
    "sampling": ("Sampling",),
    "self_judge": ("SelfJudge",),
    "statistics": ("bootstrap_difference", "pass_at_k"),
    "train": ("train",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ALGORITHMS",
    "PRESETS",
    "Agent",
    "AgentError",
    "Algorithm",
    "CheckpointError",
    "Collector",
    "Curriculum",
    "EvalConfig",
    "EvalResult",
    "Event",
    "GameMix",
    "Learner",
    "LearnerConfig",
    "ModelUnavailable",
    "Objective",
    "Sample",
    "Sampler",
    "Sampling",
    "ScriptedSampler",
    "SelfJudge",
    "Tag",
    "TokenBatch",
    "TrainConfig",
    "TransformersSampler",
    "bootstrap_difference",
    "collate",
    "evaluate",
    "find_algorithm",
    "find_preset",
    "load_model",
    "load_tasks",
    "pass_at_k",
    "samples_of",
    "train",
]


def __getattr__(name: str) -> Any:
    """The public name `name`, imported from its module when first used (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """This package, in which `train` and `evaluate` are the functions, also once their modules of the same names are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute; the import system does so with every module of the package that it has loaded."""
        hidden = isinstance(value, ModuleType) and _HOME_OF.get(name) == name
        super().__setattr__(name, getattr(value, name) if hidden else value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
