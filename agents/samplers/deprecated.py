"""The names that samplers had before: they go on to work, with a `DeprecationWarning`.

act -> generate, receive -> load_weights, rest -> release_memory, speaking_as -> with_adapter, counts -> stats
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from transformers import PreTrainedModel

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..models.chat import Prompt
from ..models.weights import Weights, weights_of
from .stats import SamplerStats

RENAMED = {"act": "generate", "receive": "load_weights", "rest": "release_memory", "speaking_as": "with_adapter"}
S = TypeVar("S")


class DeprecatedNames:
    """The old names of a sampler of this package, for those who call them or derive a class from it."""

    # each calls a method of a class: the instance's may lead back here, see `with_current_names`

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """Now `generate`."""
        _warn(type(self), "act")
        return _method(self, "act")(self, prompts, sampling, seeds)

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """Now `load_weights`, with one value for model and version."""
        _warn(type(self), "receive")
        _method(self, "receive")(self, weights_of(model, version))

    def rest(self) -> None:
        """Now `release_memory`."""
        _warn(type(self), "rest")
        _method(self, "rest")(self)

    def speaking_as(self, adapter: str) -> Any:
        """Now `with_adapter`."""
        _warn(type(self), "speaking_as")
        return _method(self, "speaking_as")(self, adapter)

    @property
    def counts(self) -> Counter[str]:
        """Now `stats`; names that are none of its own are kept beside it."""
        _warn(type(self), "counts")
        counts: _Counts = vars(self).setdefault("_counts", _Counts())
        counts.show(getattr(self, "stats", None))
        return counts

    @counts.setter
    def counts(self, counts: Mapping[str, int]) -> None:
        _warn(type(self), "counts")
        stats: SamplerStats | None = getattr(self, "stats", None)
        if stats is not None:
            for name in stats.to_json():
                setattr(stats, name, counts.get(name, 0))
        vars(self)["_counts"] = _Counts(counts)


class _Counts(Counter[str]):
    """Totals as they were counted before; those that `SamplerStats` has are written to it."""

    stats: SamplerStats | None = None

    def __setitem__(self, name: str, count: int) -> None:
        super().__setitem__(name, count)
        if self.stats is not None and hasattr(self.stats, name):
            setattr(self.stats, name, count)

    def show(self, stats: SamplerStats | None) -> None:
        """Takes over the present totals; the other names stay."""
        self.stats = stats
        if stats is not None:
            dict.update(self, stats.to_json())


def with_current_names(sampler: S) -> S:
    """The same sampler; methods that its class defines under their old names are also found under the present ones.

    Of one that takes no new attributes, for its `__slots__` or as a frozen dataclass, something that stands for it is returned.
    """
    order = type(sampler).__mro__
    methods: dict[str, Any] = {}
    for old, new in RENAMED.items():
        if _place(order, old) < _place(order, new) and new not in getattr(sampler, "__dict__", {}):
            _warn(type(sampler), old)
            methods[new] = _FORWARDS.get(old, getattr)(sampler, old)
    try:
        for new, method in methods.items():
            setattr(sampler, new, method)
    except AttributeError:
        return cast(S, _StandIn(sampler, methods))
    return sampler


class _StandIn:
    """A sampler whose methods have the present names, in front of one that has the old ones and takes no attributes."""

    def __init__(self, sampler: Any, methods: Mapping[str, Any]) -> None:
        vars(self).update(methods, _sampler=sampler)

    def __getattr__(self, name: str) -> Any:
        if name == "_sampler":  # of a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self._sampler, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._sampler, name, value)


def _method(sampler: DeprecatedNames, old: str) -> Callable[..., Any]:
    """The method under its present name, as an old one calls it.

    A class that defines the old name came here by `super()`: the method is searched behind that class, since its own one may
    call the old name in turn.
    """
    order, new = type(sampler).__mro__, RENAMED[old]
    before = [place for place, cls in enumerate(order[: order.index(DeprecatedNames)]) if old in vars(cls)]
    behind = order[before[-1] + 1 :] if before else order
    return getattr(next((cls for cls in behind if new in vars(cls)), type(sampler)), new)


def _place(order: Sequence[type], name: str) -> int:
    """Of the class that defines a method, in the order in which classes are searched."""
    return next((place for place, cls in enumerate(order) if name in vars(cls)), len(order))


def _load_weights(sampler: Any, old: str) -> Callable[[Weights], None]:
    """`load_weights` of a sampler with `receive(model, version)`."""

    def load_weights(weights: Weights) -> None:
        if weights.model is None:
            raise ValueError(
                f"{type(sampler).__name__}.receive(model, version) takes weights of this process only; define "
                "load_weights(weights) instead."
            )
        getattr(sampler, old)(weights.model, weights.version)

    return load_weights


def _with_adapter(sampler: Any, old: str) -> Callable[[str], Any]:
    """`with_adapter` of a sampler whose views have old names too."""
    return lambda adapter: with_current_names(getattr(sampler, old)(adapter))


_FORWARDS: dict[str, Callable[[Any, str], Any]] = {"receive": _load_weights, "speaking_as": _with_adapter}


def _warn(owner: type, old: str) -> None:
    new = RENAMED.get(old, "stats")
    warnings.warn(f"{owner.__name__}.{old} is deprecated; the name is now {new}.", DeprecationWarning, stacklevel=3)
