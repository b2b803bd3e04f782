"""One row of the table of algorithms: what it is made of, how a run changes single settings of it, what it checks."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from torch import Tensor

from selfplay_envs.loading import did_you_mean

from .advantages import Advantage, imitate
from .batch import GROUPINGS, TokenBatch, group_numbers
from .losses import WITHOUT_RATIO, Loss
from .objective import Objective, Option
from .selection import Select
from .settings import KEYWORDS, Setting

NEEDS: Mapping[str, str] = {
    "siblings": "every role has a group of at least two messages",
    "memory": "the advantage is given `memory`, a mapping that lasts from batch to batch, and the `tags` of the messages",
    "value_head": "the advantage is given `values_BT`, and the loss of the value head is added",
    "token_rewards": "under `kl_in=reward` the advantage is given KL as `reward_BT`, what each token earns besides the return",
    "reference": "the loss is given `reference_BT`, log-probabilities under the starting weights",
    "pairs": "rows 2i and 2i + 1, as `select` orders them, stay in one micro-batch",
}
"""What a row may ask for."""
OWN_MODULES = (imitate.__module__, WITHOUT_RATIO[0].__module__)
"""Whose functions' keywords are known here; a keyword of the same name elsewhere may mean something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One row of the table."""

    name: str
    advantage: Advantage
    """(returns_B, group_B, mask_BT, **settings) -> advantage_BT."""
    loss: Loss
    """(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, **settings) -> scalar."""
    group_by: str
    """Which messages share a baseline: all of the `batch`, of a `role`, of a role and its task type, of a game and its role;
    all that were asked the same words (`prompt`) or are about the same `task`, in whatever episode; or a panel that answered
    one task in one episode (`query`), whatever others were asked, while messages of no panel go by their prompt."""
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
        self._check_defaults()
        if unknown:
            raise ValueError(f"Algorithm.needs={sorted(unknown)!r} is not known; choose among {', '.join(NEEDS)}.")
        if "pairs" in self.needs:
            self._check_pairs()
        if self.imitates and self.objective.kl_coef and self.objective.kl_in == "reward":
            raise ValueError(
                f"options kl_in='reward' does nothing with algorithm={self.name!r}, which imitates whatever a message earned; "
                "choose kl_in=loss."
            )
        if "token_rewards" in self.needs and not _names(self.advantage, "reward_BT"):
            raise ValueError(f"Algorithm.needs of {self.name!r} has 'token_rewards', but its advantage takes no `reward_BT`.")

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
                known = [*own, *group, *around]
                raise ValueError(
                    f"options {name!r} is no setting of algorithm={self.name!r}{did_you_mean(name, known) or ';'} choose "
                    f"among {', '.join(known)}."
                )
            home[name] = _typed(name, value, home[name])
        return replace(self, defaults=own, objective=Objective(**around), group_by=str(group["group_by"]))

    @property
    def has_ratio(self) -> bool:
        """Whether the loss compares new with old probabilities, and so knows when messages are not the present policy's."""
        return self.loss not in WITHOUT_RATIO

    @property
    def imitates(self) -> bool:
        """Whether messages are given to be imitated, so that it does not matter which policy said them."""
        return self.advantage is imitate

    @property
    def ratio_bounds(self) -> tuple[float, float]:
        """The ratios between which the loss clips nothing."""
        low, high = (float(self.defaults.get(name, math.inf)) for name in ("clip_low", "clip_high"))
        return 1 - low, min(1 + high, float(self.defaults.get("weight_cap", math.inf)))

    def check_off_policy(self, *, steps: int, stale: bool) -> None:
        """Stops where messages would train a policy that did not say them, and nothing corrected for it.

        Rows that imitate (sft, rft, dpo) may: they learn from given messages, whoever said them, and more than one step on
        them is what supervised training does.

        Args:
            steps: Optimiser steps on one batch.
            stale: Messages of an older policy are trained on.

        Raises:
            ValueError: The loss has no ratio, and that is asked of it.
        """
        if self.has_ratio or self.imitates:
            return
        if steps > 1:
            raise ValueError(
                f"algorithm={self.name!r} has no ratio of new to old probabilities: {steps} optimiser steps on one batch would "
                "train off policy, uncorrected; set learner.epochs=1 and learner.mini_batches=1, or choose a row that has one, "
                "such as reinforce++ or grpo."
            )
        if stale and not self.objective.tis_cap:
            raise ValueError(
                f"algorithm={self.name!r} has no ratio of new to old probabilities: messages of an older policy would train "
                "off policy, uncorrected; set staleness=0, or correct them by options tis_cap=2."
            )

    @property
    def wants_reference(self) -> bool:
        """Whether log-probabilities under the starting weights are needed."""
        return "reference" in self.needs or self.objective.wants_reference

    def setting(self, name: str) -> Setting:
        """What a name in `defaults` means and takes; of a keyword of somebody else's function only its kind is known."""
        takers = self._takers(name)
        if name in KEYWORDS and any(one.__module__ in OWN_MODULES for one in takers):
            return KEYWORDS[name]
        meaning = f"A keyword of {' and '.join(one.__name__ for one in takers)}."
        return Setting(meaning=meaning, kind=type(self.defaults[name]))

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
        if self.group_by not in ("prompt", "query", "task"):
            raise ValueError(
                f"options group_by={self.group_by!r} would pair messages of different questions; choose prompt, query or task."
            )
        if self.objective.aggregate not in ("message", "role"):
            raise ValueError(
                f"options aggregate={self.objective.aggregate!r} has no meaning for pairs of messages, whose loss is no sum "
                "over tokens; choose message or role."
            )
        idle = {"tis_cap": 0.0, "entropy_share": 1.0, "covariance": "none"}
        odd = [name for name, off in idle.items() if getattr(self.objective, name) != off]
        if odd:
            raise ValueError(
                f"options {odd[0]!r} has no meaning for pairs of messages; leave it out with algorithm={self.name!r}."
            )

    def _check_defaults(self) -> None:
        for name, value in self.defaults.items():
            if not self._takers(name):
                raise ValueError(
                    f"Algorithm.defaults has {name!r}, which neither the advantage nor the loss of {self.name!r} takes."
                )
            self.setting(name).check(name, value)

    def _takers(self, name: str) -> list[Callable[..., Tensor]]:
        return [function for function in (self.advantage, self.loss) if _names(function, name)]

    def _settings(self, function: Callable[..., Tensor]) -> dict[str, Option]:
        return {name: value for name, value in self.defaults.items() if _names(function, name)}


@cache  # asked for every micro-batch
def _names(function: Callable[..., Any], keyword: str) -> bool:
    return keyword in inspect.signature(function).parameters


def _typed(name: str, value: Option, like: Option) -> Option:
    """`value` as the type of `like`; texts come from a command line."""
    if isinstance(value, bool) and not isinstance(like, bool):
        raise ValueError(f"options {name}={value!r} is not like {like!r}.")
    if isinstance(like, bool) and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(like, float | int) and not isinstance(like, bool):
        try:
            number = float(value)
            return int(number) if isinstance(like, int) and number.is_integer() else number
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"options {name}={value!r} is not a number, such as {like}.") from None
    if type(value) is not type(like):
        raise ValueError(f"options {name}={value!r} is not like {like!r}.")
    return value
