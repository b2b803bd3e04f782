"""Terms around an algorithm's own loss: aggregation, KL to the reference, entropy control, filters; without torch.

Every algorithm of `agents.algorithms` carries one `Objective` with its paper's values, and a run changes single fields of it:

    selfplay train azr-tiny --algorithm grpo --options kl_coef 0.04 clip_high 0.28

Ratios of new to old probabilities are 1 at the first optimiser step on replies of the present policy. With one step per batch,
the default and what AZR does, clipping, GSPO and CISPO are therefore inert: `learner.epochs` or `learner.mini_batches` above 1,
or a sampler that lags behind (`staleness`), wakes them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from .algorithm_settings import Setting, settings_of

Aggregate = Literal["token", "sequence", "message", "role", "constant"]
KlEstimator = Literal["k1", "k2", "k3"]
Option = str | float | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Terms and filters that any policy loss can be combined with."""

    aggregate: Aggregate = "token"
    """How token losses become one number: `token` divides by the sampled tokens of the step, `sequence` means over
    messages of means over tokens (GRPO), `message` sums tokens and means over messages, `role` does so for each role and adds
    the roles up (LSP), `constant` divides by messages x the longest reply allowed (Dr. GRPO)."""
    role_weights: str = ""
    """Weight of a role's loss under `aggregate="role"`, as `challenger=0.5,solver=1`; others 1. LSP's alpha_Ch."""
    role_shares: str = ""
    """Share of the step's loss weight by role, as `proposer=0.5,solver=0.5`, however many messages or tokens a role has; with
    any aggregate but role. The weight of a token (for dpo of a message) is one over what its loss is divided by, and that of
    the step stays what it was. What the named roles leave is divided among the others as the aggregate has it; the share of a
    role that says nothing in a step stays unused. KL and entropy terms in the loss are shared out alike. AZR trains as many
    proposer as solver messages."""
    cut_off: Literal["train", "mask"] = "train"
    """`mask` leaves out replies that the length limit ended (`dropped` counts them). They still count in the baseline of their
    group, and for dpo they form no pairs. See: Yu et al., DAPO, section 3.4 (overlong filtering)."""
    old_logprobs: Literal["learner", "sampler"] = "learner"
    """What ratios are taken against. `learner`: its own log-probabilities before it changes, so that ratios are 1 at the first
    step, and what a sampler rounds otherwise (bfloat16, packed prompts, vLLM) clips nothing; `ratio_mean` and `approx_kl` show
    it all the same. Messages of an older policy (`staleness`) keep the sampler's, which is what corrects for their age, unless
    `tis_cap` does that. Costs one more forward pass where a batch is given several optimiser steps. `sampler`: as they were
    sampled, rounding and all."""
    kl_coef: float = 0.0
    """Weight of KL(policy || reference); 0 needs no reference."""
    kl_metric: bool = False
    """Reports KL to the starting weights (`kl_reference`) even where kl_coef is 0 and it costs no reward; one more forward
    pass."""
    kl_estimator: KlEstimator = "k3"
    """k1 = log(pi/ref), k2 = k1^2 / 2, k3 = ref/pi - 1 + k1, per token."""
    kl_in: Literal["loss", "reward"] = "loss"
    """`loss` adds the estimates of tokens to the loss, over the denominators of `aggregate` (there k1 has no expected gradient,
    and k3 has that of the forward KL). `reward` makes each token's estimate, negative, its reward where the row needs
    `token_rewards`: reinforce, reinforce++, trr++, ppo. The others have one advantage per message, and take the message's sum
    off its return."""
    kl_clamp: float = 10.0
    """Under kl_in=reward the estimate of a token lies within this many nats of 0; 0 bounds nothing. OpenRLHF: 10 for all three
    estimators; verl: 10 for k3 alone."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus, exact over the vocabulary, in nats. AZR: 0.001 in the paper's runs, 0 in its later code."""
    entropy_share: float = 1.0
    """Only this share of the step's tokens, those of the highest entropy, trains. See: Wang et al., arXiv 2506.01939: 0.2."""
    covariance: Literal["none", "clip", "kl"] = "none"
    """Guards tokens whose advantage and log-probability go together: Clip-Cov or KL-Cov. See: Cui et al., arXiv 2505.22617."""
    clip_cov_share: float = 2e-4
    """Share of tokens, at least one, that Clip-Cov leaves out, drawn among those with covariance between the two bounds."""
    clip_cov_low: float = 1.0
    """Clip-Cov draws among tokens whose covariance of advantage and log-probability is above this."""
    clip_cov_high: float = 5.0
    """Clip-Cov draws among tokens whose covariance is below this."""
    kl_cov_share: float = 2e-3
    """Share of tokens, at least one, those of highest covariance, that KL-Cov penalises."""
    kl_cov_coef: float = 1.0
    """Weight of |log pi - log pi_old| on them. It acts from the second optimiser step on, or where the sampler lags behind:
    before anything has moved the two are equal. The row's own clipping stays; the paper has none."""
    tis_cap: float = 0.0
    """Truncated importance sampling: a token weighs min(pi_learner / pi_sampler, cap), for samplers whose arithmetic or version
    is not the learner's; 0 switches it off. Goes with old_logprobs=learner, for messages of every age: ratios then hold the
    learner's steps alone, and this weight the sampler's mismatch. See: Yao et al., Your efficient RL framework secretly brings
    you off-policy training, 2025: 2."""
    constant_groups: Literal["keep", "drop"] = "keep"
    """`drop` leaves out groups whose returns, before any price on length or KL, are all equal, exactly and as a whole."""
    refills: int = 0
    """Further collections of a step, at most, that make up for dropped groups. See: Yu et al., DAPO, section 3.2 (dynamic
    sampling); each plays the missing share of the step's episodes."""
    overlong_share: float = 0.0
    """Replies longer than (1 - share) of the longest allowed lose up to 1, linearly. See: Yu et al., DAPO, equation 13: 0.2."""
    value_coef: float = 0.1
    """Weight of the value loss, for rows with a value head."""

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            setting.check(name, getattr(self, name))
        if self.weights() and self.aggregate != "role":
            raise ValueError(f"options role_weights={self.role_weights!r} counts with aggregate=role alone; set that too.")
        if self.shares() and self.aggregate == "role":
            raise ValueError(f"options role_shares={self.role_shares!r} has no meaning with aggregate=role; use role_weights.")
        if sum(self.shares().values()) > 1 + 1e-9:
            raise ValueError(f"options role_shares={self.role_shares!r} adds up to more than the whole; 1 is the most.")
        if self.tis_cap and self.old_logprobs == "sampler":
            raise ValueError(
                f"options tis_cap={self.tis_cap!r} and old_logprobs='sampler' would both correct for the sampler; choose one."
            )
        if self.covariance == "clip" and self.clip_cov_low >= self.clip_cov_high:
            raise ValueError(
                f"options clip_cov_low={self.clip_cov_low!r} is not below clip_cov_high={self.clip_cov_high!r}, so Clip-Cov "
                "would leave out no token; the paper draws between 1 and 5."
            )

    @property
    def wants_reference(self) -> bool:
        """Whether the reference's log-probabilities are needed."""
        return self.kl_coef > 0 or self.kl_metric

    def weights(self) -> Mapping[str, float]:
        """`role_weights` as numbers.

        Raises:
            ValueError: It is not of the form role=number,role=number, or a number is negative or not finite.
        """
        return _by_role("role_weights", self.role_weights)

    def shares(self) -> Mapping[str, float]:
        """`role_shares` as numbers; errors as those of `weights`."""
        return _by_role("role_shares", self.role_shares)

    def check_shares(self, roles: Collection[str]) -> None:
        """Stops where a role that is to train would silently have no weight.

        Raises:
            ValueError: `role_shares` is used up, and one of these roles has no share.
        """
        shares = self.shares()
        left_out = sorted(set(roles) - set(shares))
        if shares and left_out and sum(shares.values()) > 1 - 1e-9:
            raise ValueError(
                f"options role_shares={self.role_shares!r} leaves nothing to the role {left_out[0]!r}, which is among those "
                "that train; give it a share, or leave it out of train_roles."
            )

    def check_weights(self, roles: Collection[str]) -> None:
        """Stops where nothing could train.

        Raises:
            ValueError: `role_weights` or `role_shares` give each of these roles 0.
        """
        for name, given in (("role_weights", self.weights()), ("role_shares", self.shares())):
            if all(given.get(role) == 0 for role in roles):
                raise ValueError(
                    f"options {name}={getattr(self, name)!r} gives 0 to every role that trains ({', '.join(sorted(roles))}), "
                    "so nothing would; give one of them more."
                )


def _by_role(name: str, text: str) -> dict[str, float]:
    """Numbers by role, from a text such as `proposer=0.5,solver=1`."""
    numbers: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        role, _, number = (part.strip() for part in item.partition("="))
        if role in numbers:
            raise ValueError(f"options {name}={text!r} names {role!r} twice; give each role one number.")
        try:
            numbers[role] = float(number)
        except ValueError:
            role = ""
        if not role:
            raise ValueError(f"options {name}={text!r} is not of the form proposer=0.5,solver=1.")
    if any(not 0 <= number < float("inf") for number in numbers.values()):
        raise ValueError(f"options {name}={text!r} holds a number that is negative or not finite; 0 trains nothing.")
    return numbers


_OFF = Setting(low=0, remedy="0 switches it off")
_BY_ROLE = Setting(kind=str, form="a text role=number,role=number, or an empty one")
_SHARE = Setting(low=0, high=1, remedy="it is a share of the whole")

SETTINGS: Mapping[str, Setting] = settings_of(
    Objective,
    {
        "kl_coef": _OFF,
        "kl_clamp": _OFF,
        "entropy_coef": _OFF,
        "kl_cov_coef": _OFF,
        "tis_cap": _OFF,
        "value_coef": _OFF,
        "entropy_share": Setting(low=0, high=1, open_low=True, remedy="it is a share of the whole, and 0 would train nothing"),
        "clip_cov_share": _SHARE,
        "kl_cov_share": _SHARE,
        "overlong_share": _SHARE,
        "role_weights": _BY_ROLE,
        "role_shares": _BY_ROLE,
        "refills": Setting(low=0, kind=int, remedy="0 or 3 would be such"),
    },
)
"""Values that the fields of an `Objective` may have."""
