"""Policies, algorithms and the training loop. Light to import: torch is loaded when a name that needs it is first used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent import Agent
    from .algorithms.algorithm import Algorithm
    from .algorithms.table import ALGORITHMS, find_algorithm
    from .batching.batch import Sample, Tag, TokenBatch, collate, samples_of
    from .config.learner import LearnerConfig
    from .config.objective import Objective
    from .config.presets import PRESETS, find_preset
    from .config.run import EvalConfig, GameMix, TrainConfig
    from .config.sampling import Sampling
    from .core.errors import AgentError, CheckpointError, ModelUnavailable
    from .evaluation.evaluate import EvalResult, evaluate
    from .evaluation.statistics import bootstrap_difference, pass_at_k
    from .evaluation.tasks import load_tasks
    from .judges.self_judge import SelfJudge
    from .learner.learner import Learner
    from .models.loading import load_model
    from .rollouts.collector import Collector
    from .rollouts.curriculum import Curriculum
    from .runs.events import Event
    from .samplers.base import Sampler
    from .samplers.scripted import ScriptedSampler
    from .samplers.transformers import TransformersSampler
    from .training.loop import train

_HOMES = {
    "agent": ("Agent",),
    "algorithms.algorithm": ("Algorithm",),
    "algorithms.table": ("ALGORITHMS", "find_algorithm"),
    "batching.batch": ("Sample", "Tag", "TokenBatch", "collate", "samples_of"),
    "rollouts.collector": ("Collector",),
    "config.run": ("EvalConfig", "GameMix", "TrainConfig"),
    "rollouts.curriculum": ("Curriculum",),
    "core.errors": ("AgentError", "CheckpointError", "ModelUnavailable"),
    "evaluation.evaluate": ("EvalResult", "evaluate"),
    "runs.events": ("Event",),
    "evaluation.tasks": ("load_tasks",),
    "learner.learner": ("Learner",),
    "config.learner": ("LearnerConfig",),
    "models.loading": ("load_model",),
    "config.objective": ("Objective",),
    "config.presets": ("PRESETS", "find_preset"),
    "samplers.base": ("Sampler",),
    "samplers.scripted": ("ScriptedSampler",),
    "samplers.transformers": ("TransformersSampler",),
    "config.sampling": ("Sampling",),
    "judges.self_judge": ("SelfJudge",),
    "evaluation.statistics": ("bootstrap_difference", "pass_at_k"),
    "training.loop": ("train",),
}
_MOVED = {
    "adapter_view": "samplers.adapter_view",
    "adapters": "models.adapters runs.adapters speaking_as=models.adapters:use_adapter",
    "advantages": "algorithms.advantages",
    "aggregate": "algorithms.aggregate",
    "algorithm": "algorithms.algorithm algorithms.signatures",
    "algorithms": "algorithms.table",
    "batch": "batching.batch batching.groups",
    "chat": "models.chat models.chat_templates",
    "checkpoint": "training.checkpoint runs.folder",
    "cli.results": "evaluation.comparison display.results",
    "cli.stages": "display.timings runs.timings",
    "collect": "rollouts.collector",
    "config": "config.run",
    "curriculum": "rollouts.curriculum",
    "curves": "runs.columns cells_of=runs.columns:groups_of",
    "decoding": "decoding.loop",
    "endpoint_sampler": "samplers.endpoint",
    "errors": "core.errors",
    "evaluate": "evaluation.evaluate evaluation.statistics",
    "events": "runs.events",
    "held_out": "evaluation.tasks",
    "human": "display.human display.match",
    "learner": "learner.learner",
    "learner_config": "config.learner",
    "lora": "models.weights models.adapters",
    "losses": "algorithms.losses algorithms.kl",
    "masked": "algorithms.masked",
    "metrics": "runs.rows runs.metrics core.files",
    "models": "models.loading TINY_FOLDER=tiny.folder:TINY_MODEL",
    "objective": "config.objective",
    "plots": "display.plots",
    "presets": "config.presets",
    "returns": "algorithms.returns algorithms.kl",
    "run": "training.run training.assembly",
    "sampler": "samplers.base samplers.scripted samplers.transformers pick_tokens=decoding.token_sampling:sample_tokens",
    "sampler_text": "config.sampler",
    "samplers": "samplers.registry",
    "sampling": "config.sampling",
    "schedule": "config.role_schedule",
    "seeding": "core.seeding",
    "selection": "algorithms.selection",
    "self_judge": "judges.self_judge",
    "short_cuts": "config.short_cuts",
    "stages": "runs.timings",
    "statistics": "evaluation.statistics",
    "tables": "display.tables",
    "tiny": "tiny.folder",
    "trackers": "runs.trackers",
    "train": "training.loop",
    "transformers_sampler": "samplers.transformers",
    "vllm_sampler": "samplers.vllm.sampler",
}
"""Modules by the names that they had before; see `sandboxes.core.moved`."""


class _OldNames:
    """Finds modules by their old names; what does so is loaded when the first of them is imported."""

    finder: Any = None

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """A spec for an old name; None for every other."""
        package, _, module = fullname.partition(".")
        if package != __name__ or module not in _MOVED:
            return None
        if self.finder is None:
            from sandboxes.core.moved import finder_of

            self.finder = finder_of(__name__, _MOVED)
        return self.finder.find_spec(fullname, path, target)


sys.meta_path.insert(0, _OldNames())

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


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """This package, in which `train` and `evaluate` are the functions, also once modules of these old names are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute; the import system does so with every module of the package that it has loaded."""
        hidden = isinstance(value, ModuleType) and name in ("train", "evaluate")
        super().__setattr__(name, getattr(value, name) if hidden else value)


sys.modules[__name__].__class__ = _Package
