"""An algorithm: the functions that it is made of, the settings of it that a run may change, and what it checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from torch import Tensor

from selfplay_envs.core.text import did_you_mean

from ..batching.batch import TokenBatch
from ..batching.groups import GROUPINGS, Groups
from ..config.algorithm_settings import KEYWORDS, Setting
from ..config.objective import Objective, Option
from .advantages import Advantage, imitate
from .gae import Estimate, lambda_returns
from .losses import WITHOUT_RATIO, Loss
from .options import check_pairs, option_like
from .selection import Select
from .signatures import NEEDS, check_positional, keywords_for, needs_of, takes, takes_all

OWN_MODULES = f"{__name__.rpartition('.')[0]}."
"""Beginning of the modules whose functions' keywords are known here; a keyword of the same name elsewhere may mean something
else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """An entry of the table of algorithms, or one of your own."""

    name: str
    advantage: Advantage
    """(returns_B, group_B, mask_BT, **settings) -> advantage_BT, or an `Estimate` with targets of the value head."""
    loss: Loss
    """(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, **settings) -> scalar."""
    group_by: str
    """Which messages share a baseline: all of the `batch`, of a `role`, of a role and its task type, of a game and its role;
    all that were asked the same words (`prompt`) or are about the same `task`, in whatever episode; or a panel that answered
    one task in one episode (`query`), whatever others were asked, while messages of no panel go by their prompt."""
    needs: frozenset[str] = frozenset()
    """Names in `signatures.NEEDS`; those that the keywords of `advantage` and `loss` tell are added."""
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
        check_positional("advantage", self.advantage, self.name)
        check_positional("loss", self.loss, self.name)
        object.__setattr__(self, "needs", needs_of(self.advantage, self.loss, self.needs))
        self._check_defaults()
        if unknown := self.needs - set(NEEDS):
            raise ValueError(f"Algorithm.needs={sorted(unknown)!r} is not known; choose among {', '.join(NEEDS)}.")
        if "pairs" in self.needs:
            check_pairs(self.name, self.group_by, self.objective)
        if self.imitates and self.objective.kl_coef and self.objective.kl_in == "reward":
            raise ValueError(
                f"options kl_in='reward' does nothing with algorithm={self.name!r}, which imitates whatever a message earned; "
                "choose kl_in=loss."
            )
        if "token_rewards" in self.needs and not (takes(self.advantage, "reward_BT") or takes_all(self.advantage)):
            raise ValueError(f"Algorithm.needs of {self.name!r} has 'token_rewards', but its advantage takes no `reward_BT`.")

    def configured(self, options: Mapping[str, Option]) -> Algorithm:
        """This algorithm with some settings changed: its own `defaults`, fields of its `Objective`, or `group_by`.

        Raises:
            ValueError: A name is not known, or a value does not fit it.
        """
        defaults = dict(self.defaults)
        group: dict[str, Option] = {"group_by": self.group_by}
        objective = {setting.name: getattr(self.objective, setting.name) for setting in fields(Objective)}
        for name, value in options.items():
            home = defaults if name in defaults else group if name in group else objective
            if name not in home:
                known = [*defaults, *group, *objective]
                raise ValueError(
                    f"options {name!r} is no setting of algorithm={self.name!r}{did_you_mean(name, known) or ';'} choose "
                    f"among {', '.join(known)}."
                )
            home[name] = option_like(home[name], name, value)
        return replace(self, defaults=defaults, objective=Objective(**objective), group_by=str(group["group_by"]))

    @property
    def has_ratio(self) -> bool:
        """Whether the loss compares new with old probabilities, and so corrects for messages of another policy."""
        return self.loss not in WITHOUT_RATIO

    @property
    def imitates(self) -> bool:
        """Whether messages are given to be imitated, so that it does not matter which policy sampled them."""
        return self.advantage is imitate

    @property
    def ratio_bounds(self) -> tuple[float, float]:
        """The ratios between which the loss clips nothing."""
        low, high = (float(self.defaults.get(name, math.inf)) for name in ("clip_low", "clip_high"))
        return 1 - low, min(1 + high, float(self.defaults.get("weight_cap", math.inf)))

    def check_off_policy(self, *, steps: int, stale: bool) -> None:
        """Stops where messages would train a policy that did not sample them, and nothing corrected for it.

        Algorithms that imitate (sft, rft, dpo) may: they learn from given messages, whatever sampled them, and more than one
        step on them is what supervised training does.

        Args:
            steps: Optimiser steps on one batch.
            stale: Messages of an older policy are trained on.

        Raises:
            ValueError: The loss has no ratio, and one is needed.
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
        """Meaning and values of a name in `defaults`; of a keyword of somebody else's function only its kind is known."""
        takers = self._takers(name)
        if name in KEYWORDS and any(function.__module__.startswith(OWN_MODULES) for function in takers):
            return KEYWORDS[name]
        meaning = f"A keyword of {' and '.join(function.__name__ for function in takers)}."
        return Setting(meaning=meaning, kind=type(self.defaults[name]))

    def groups(self, batch: TokenBatch) -> Groups:
        """The groups of a batch under `group_by`."""
        return Groups.of(batch.tags, self.group_by, batch.returns_B)

    def advantages(self, batch: TokenBatch) -> Tensor:
        """Advantages alone, of an algorithm that needs neither state nor values: see `estimate`."""
        return self.estimate(batch, self.groups(batch)).advantage_BT

    def estimate(
        self,
        batch: TokenBatch,
        groups: Groups,
        *,
        state: MutableMapping[str, float] | None = None,
        values_BT: Tensor | None = None,
        reward_BT: Tensor | None = None,
    ) -> Estimate:
        """Advantages of a batch, float32 (B, T), 0 off the mask, and targets where there are values.

        Args:
            batch: All its messages count.
            groups: Of its messages.
            state: What lasts from batch to batch; changed in place by an algorithm that needs it.
            values_BT: Of the value head, if there is one.
            reward_BT: KL of single tokens, if that is in the reward.
        """
        offered = {"state": state, "memory": state, "tags": batch.tags, "values_BT": values_BT, "reward_BT": reward_BT}
        given = keywords_for("advantage", self.advantage, self.needs, offered)
        result = self.advantage(batch.returns_B, groups.number_B, batch.mask_BT, **self._settings(self.advantage), **given)
        estimate = Estimate(result) if isinstance(result, Tensor) else result
        if estimate.advantage_BT.shape != batch.mask_BT.shape:
            raise ValueError(
                f"algorithm={self.name!r}: its advantage has the shape {tuple(estimate.advantage_BT.shape)} where (messages, "
                f"tokens) = {tuple(batch.mask_BT.shape)} is wanted; algorithms.advantages.on_tokens spreads one number per "
                "message."
            )
        if values_BT is None or estimate.target_BT is not None:
            return estimate
        decay = float(self.defaults.get("gae_lambda", 1.0))
        target_BT = lambda_returns(batch.returns_B, batch.mask_BT, values_BT, decay, reward_BT)
        return Estimate(estimate.advantage_BT, target_BT)

    def losses(self, *tensors: Any, reference_BT: Tensor | None = None) -> Tensor:
        """The loss with this algorithm's settings; arguments as in `agents.algorithms.losses`."""
        given = keywords_for("loss", self.loss, self.needs, {"reference_BT": reference_BT})
        loss = self.loss(*tensors, **self._settings(self.loss), **given)
        if loss.dim():
            raise ValueError(
                f"algorithm={self.name!r}: its loss has the shape {tuple(loss.shape)}; return one number, the sum of "
                "loss / denominator over the tokens where the mask is true."
            )
        return loss

    def check_siblings(self, batch: TokenBatch, groups: Groups) -> None:
        """Stops where a role would silently not train.

        Raises:
            ValueError: Siblings are needed, and some role's messages are all alone in their groups.
        """
        if "siblings" not in self.needs:
            return
        largest: dict[str, int] = {}
        for tag, size in zip(batch.tags, groups.size_B.tolist(), strict=True):
            largest[tag.metric_group] = max(largest.get(tag.metric_group, 0), size)
        alone = sorted(name for name, size in largest.items() if size == 1)
        if alone:
            raise ValueError(
                f"algorithm={self.name!r} compares messages of one {self.group_by}, but every message of {', '.join(alone)} is "
                "alone in its group and would silently not train; compare within role and task type (algorithm trr++, or "
                "options group_by=role+task_type), or leave that role out of train_roles."
            )

    def _check_defaults(self) -> None:
        for name, value in self.defaults.items():
            if not self._takers(name):
                raise ValueError(
                    f"Algorithm.defaults has {name!r}, which neither the advantage nor the loss of {self.name!r} takes."
                )
            self.setting(name).check(name, value)

    def _takers(self, name: str) -> list[Callable[..., Any]]:
        return [function for function in (self.advantage, self.loss) if takes(function, name)]

    def _settings(self, function: Callable[..., Any]) -> dict[str, Option]:
        return {name: value for name, value in self.defaults.items() if takes(function, name)}
