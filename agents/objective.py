"""What surrounds an algorithm's own loss: aggregation, KL to the reference, entropy control, filters; without torch.

Every row of `agents.algorithms` carries one `Objective` with its paper's values, and a run changes single fields of it:

    selfplay train azr-tiny --algorithm grpo --options kl_coef 0.04 clip_high 0.28
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
    kl_coef: float = 0.0
    """Weight of KL(policy || reference); 0 needs no reference."""
    kl_estimator: KlEstimator = "k3"
    """k1 = log(pi/ref), k2 = k1^2 / 2, k3 = ref/pi - 1 + k1, per token."""
    kl_in: Literal["loss", "reward"] = "loss"
    """`loss` adds the estimates of tokens to the loss, over the denominators of `aggregate` (there k1 has no expected gradient,
    and k3 has that of the forward KL). `reward` makes each token's estimate, negative, its reward where the row needs
    `token_rewards`: reinforce, reinforce++, trr++, ppo. The others have one advantage per message, and take the message's sum
    off its return."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus, exact over the vocabulary, in nats."""
    entropy_share: float = 1.0
    """Only this share of the step's tokens, those of the highest entropy, trains. See: Wang et al., arXiv 2506.01939: 0.2."""
    covariance: Literal["none", "clip", "kl"] = "none"
    """Guards tokens whose advantage and log-probability go together: Clip-Cov or KL-Cov. See: Cui et al., arXiv 2505.22617."""
    clip_cov_share: float = 2e-4
    """Share of tokens that Clip-Cov leaves out, drawn among those with covariance between the two bounds."""
    clip_cov_low: float = 1.0
    clip_cov_high: float = 5.0
    kl_cov_share: float = 2e-3
    """Share of tokens, those of highest covariance, that KL-Cov holds back."""
    kl_cov_coef: float = 1.0
    """Weight of |log pi - log pi_old| on them. It acts from the second epoch on, or where the sampler lags behind: of two that
    are equal but for rounding, only the rounding's sign is left. The row's own clipping stays; the paper has none."""
    tis_cap: float = 0.0
    """Truncated importance sampling: a token weighs min(pi_learner / pi_sampler, cap), for samplers whose arithmetic or version
    is not the learner's; 0 switches it off. See: Yao et al., Your efficient RL framework secretly brings you off-policy
    training, 2025: 2."""
    constant_groups: Literal["keep", "drop"] = "keep"
    """`drop` leaves out groups whose returns are all equal, exactly and as a whole."""
    refills: int = 0
    """Further collections of a step, at most, that make up for dropped groups. See: Yu et al., DAPO, section 3.2 (dynamic
    sampling); each plays the missing share of the step's episodes."""
    overlong_share: float = 0.0
    """Replies longer than (1 - share) of the longest allowed lose up to 1, linearly. See: Yu et al., DAPO, equation 13: 0.2."""
    value_coef: float = 0.1
    """Weight of the value loss, for rows with a value head."""

    def __post_init__(self) -> None:
        for name in ("kl_coef", "entropy_coef", "kl_cov_coef", "tis_cap", "value_coef"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"options {name}={getattr(self, name)!r} is negative; 0 switches it off.")
        for name in ("entropy_share", "clip_cov_share", "kl_cov_share", "overlong_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"options {name}={getattr(self, name)!r} is not a share from 0 to 1.")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"options {name}={getattr(self, name)!r} is not known; choose one of {', '.join(choices)}.")
        weights = self.weights()
        if weights and self.aggregate != "role":
            raise ValueError(f"options role_weights={self.role_weights!r} counts with aggregate=role alone; set that too.")
        if any(not 0 <= weight < float("inf") for weight in weights.values()):
            raise ValueError(f"options role_weights={self.role_weights!r} holds a negative or endless weight.")

        if self.refills < 0 or self.refills != int(self.refills):
            raise ValueError(f"options refills={self.refills!r} is no number of collections, such as 0 or 3.")

    @property
    def wants_reference(self) -> bool:
        """Whether the reference's log-probabilities are needed."""
        return self.kl_coef > 0

    def weights(self) -> Mapping[str, float]:
        """`role_weights` as numbers.

        Raises:
            ValueError: It is not of the form role=number,role=number.
        """
        found: dict[str, float] = {}
        for part in filter(None, self.role_weights.split(",")):
            role, _, number = part.partition("=")
            try:
                found[role.strip()] = float(number)
            except ValueError:
                raise ValueError(
                    f"options role_weights={self.role_weights!r} is not of the form challenger=0.5,solver=1."
                ) from None
        return found


CHOICES: Mapping[str, tuple[str, ...]] = {
    "aggregate": ("token", "sequence", "message", "role", "constant"),
    "kl_estimator": ("k1", "k2", "k3"),
    "kl_in": ("loss", "reward"),
    "covariance": ("none", "clip", "kl"),
    "constant_groups": ("keep", "drop"),
}
