"""One row of the table of algorithms: what it is made of, how a run changes single settings of it, what it checks."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from torch import Tensor

from .advantages import Advantage
from .batch import GROUPINGS, TokenBatch, group_numbers
from .losses import Loss
from .objective import Objective, Option
from .selection import Select

NEEDS: Mapping[str, str] = {
    "siblings": "every role has a group of at least two messages",
    "memory": "the advantage is given `memory`, a mapping that lasts from batch to batch, and the `tags` of the messages",
    "value_head": "the advantage is given `values_BT`, and the loss of the value head is added",
    "token_rewards": "under `kl_in=reward` the advantage is given KL as `reward_BT`, what each token earns besides the return",
    "reference": "the loss is given `reference_BT`, log-probabilities under the starting weights",
    "pairs": "rows 2i and 2i + 1, as `select` orders them, stay in one micro-batch",
}
"""What a row may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One row of the table."""

    name: str
    advantage: Advantage
    """(returns_B, group_B, mask_BT, **settings) -> advantage_BT."""
    loss: Loss
    """(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, **settings) -> scalar."""
    group_by: str
    """Which messages share a baseline, a name in `agents.batch.GROUPINGS`."""
    needs: frozenset[str] = frozenset()
    """Names in `NEEDS`."""
    clips_messages: bool = False
    """The loss clips the ratio of a whole message, not of each token: so does `clip_fraction` count."""
    select: Select | None = None
    """Which messages train; None: all."""
    defaults: Mapping[str, Option] = field(default_factory=dict[str, Option])
    """Keywords of the advantage and of the loss, each passed to the one that names it."""
    objective: Objective = field(default_factory=Objective)
    """What surrounds the loss."""
    paper: str = ""

    def __post_init__(self) -> None:
        if self.group_by not in GROUPINGS:
            raise ValueError(f"Algorithm.group_by={self.group_by!r} is not known; choose one of {', '.join(GROUPINGS)}.")
        unknown = self.needs - set(NEEDS)
        for kind, function, wanted in (("advantage", self.advantage, 3), ("loss", self.loss, 5)):
            try:
                inspect.signature(function).bind_partial(*range(wanted))
            except TypeError as error:
                names = (
                    "returns_B, group_B, mask_BT" if wanted == 3 else "logprobs_BT, old_BT, advantage_BT, mask_BT, denominator"
                )
                raise ValueError(f"Algorithm.{kind} of {self.name!r} must take ({names}): {error}.") from error
        if unknown:
            raise ValueError(f"Algorithm.needs={sorted(unknown)!r} is not known; choose among {', '.join(NEEDS)}.")
        if "pairs" in self.needs:
            self._check_pairs()
        if "token_rewards" in self.needs and not _names(self.advantage, "reward_BT"):
            raise ValueError(f"Algorithm.needs of {self.name!r} has 'token_rewards', but its advantage takes no `reward_BT`.")
        homeless = [name for name in self.defaults if not _names(self.advantage, name) and not _names(self.loss, name)]
        if homeless:
            raise ValueError(
                f"Algorithm.defaults has {homeless[0]!r}, which neither the advantage nor the loss of {self.name!r} takes."
            )

    def configured(self, options: Mapping[str, Option]) -> Algorithm:
        """This row with some settings changed: its own `defaults`, fields of its `Objective`, or `group_by`.

        Raises:
            ValueError: A name is not known, or a value does not fit it.
        """
        own, around = dict(self.defaults), {one.name: getattr(self.objective, one.name) for one in fields(Objective)}
        group: dict[str, Option] = {"group_by": self.group_by}
        for name, value in options.items():
            home = own if name in own else group if name in group else around
            if name not in home:
                known = ", ".join([*own, *group, *around])
                raise ValueError(f"options {name!r} is no setting of algorithm={self.name!r}; choose among {known}.")
            home[name] = _typed(name, value, home[name])
        return replace(self, defaults=own, objective=Objective(**around), group_by=str(group["group_by"]))

    @property
    def wants_reference(self) -> bool:
        """Whether log-probabilities under the starting weights are needed."""
        return "reference" in self.needs or self.objective.wants_reference

    def advantages(self, batch: TokenBatch, **given: Any) -> Tensor:
        """Advantages of a batch by this row's groups, float32 (B, T), 0 off the mask.

        Args:
            batch: All its messages count.
            given: What the row needs: `memory` and `tags`, `values_BT`, `reward_BT`.
        """
        group_B = group_numbers(batch.tags, self.group_by)
        found = self.advantage(batch.returns_B, group_B, batch.mask_BT, **self._settings(self.advantage), **given)
        if found.shape != batch.mask_BT.shape:
            raise ValueError(
                f"algorithm={self.name!r}: its advantage has the shape {tuple(found.shape)} where (messages, tokens) = "
                f"{tuple(batch.mask_BT.shape)} is wanted; agents.advantages.on_tokens spreads one number per message."
            )
        return found

    def losses(self, *tensors: Any, **given: Any) -> Tensor:
        """The row's loss with its settings; arguments as in `agents.losses`."""
        found = self.loss(*tensors, **self._settings(self.loss), **given)
        if found.dim():
            raise ValueError(
                f"algorithm={self.name!r}: its loss has the shape {tuple(found.shape)}; return one number, the sum of "
                "loss / denominator over the tokens where the mask is true."
            )
        return found

    def check_siblings(self, batch: TokenBatch) -> None:
        """Stops where a role would silently not train.

        Raises:
            ValueError: The row needs siblings, and some role's messages are all alone in their groups.
        """
        if "siblings" not in self.needs:
            return
        key = GROUPINGS[self.group_by]
        sizes = Counter(key(tag) for tag in batch.tags)
        largest: dict[str, int] = {}
        for tag in batch.tags:
            largest[tag.cell] = max(largest.get(tag.cell, 0), sizes[key(tag)])
        alone = sorted(cell for cell, size in largest.items() if size == 1)
        if alone:
            raise ValueError(
                f"algorithm={self.name!r} compares messages of one {self.group_by}, but every message of {', '.join(alone)} is "
                "alone in its group and would silently not train; compare within role and task type (algorithm trr++, or "
                "options group_by=role+task_type), or leave that role out of train_roles."
            )

    def _check_pairs(self) -> None:
        """A pair is of one role, and its loss is no sum over tokens that weights could be put on."""
        if self.group_by not in ("prompt", "task"):
            raise ValueError(
                f"options group_by={self.group_by!r} would pair messages of different questions; choose prompt or task."
            )
        idle = {"tis_cap": 0.0, "entropy_share": 1.0, "covariance": "none"}
        odd = [name for name, off in idle.items() if getattr(self.objective, name) != off]
        if odd:
            raise ValueError(
                f"options {odd[0]!r} has no meaning for pairs of messages; leave it out with algorithm={self.name!r}."
            )

    def _settings(self, function: Callable[..., Tensor]) -> dict[str, Option]:
        return {name: value for name, value in self.defaults.items() if _names(function, name)}


@cache  # asked for every micro-batch
def _names(function: Callable[..., Any], keyword: str) -> bool:
    return keyword in inspect.signature(function).parameters


def _typed(name: str, value: Option, like: Option) -> Option:
    """`value` as the type of `like`; texts come from a command line."""
    if isinstance(like, bool) and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(like, float | int) and not isinstance(like, bool):
        try:
            return float(value)
        except ValueError:
            raise ValueError(f"options {name}={value!r} is not a number, such as {like}.") from None
    if type(value) is not type(like):
        raise ValueError(f"options {name}={value!r} is not like {like!r}.")
    return value
