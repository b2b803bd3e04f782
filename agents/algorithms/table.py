"""The table of algorithms: a name is an advantage, a loss, the groups that share a baseline, and the paper to read.

Adding one is adding an entry to `ALGORITHMS`, or passing an `Algorithm` of your own to the learner; see
`examples/add_an_algorithm.py`.
"""

from __future__ import annotations

from selfplay_envs.names.registry import Registry

from ..config.objective import Objective
from . import advantages, gae, losses, selection
from .algorithm import Algorithm

SIBLINGS = frozenset({"siblings"})
LSP_KL = (
    "Its KL can be read in three ways: kl_in=reward kl_estimator=k1, as here, is the reverse KL of whole messages; kl_in=loss "
    "kl_estimator=k3 is what its library, TRL, does; kl_in=loss kl_estimator=k1 is equations 4 and 5 as they are printed, "
    "whose expected gradient is 0 on-policy, so that KL holds nothing back"
)
"""What the paper's KL term may mean; a test enumerates the gradients."""

ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(
            name="reinforce",
            advantage=advantages.monte_carlo,
            loss=losses.policy_gradient,
            group_by="batch",
            paper="Williams, Simple statistical gradient-following algorithms for connectionist reinforcement learning, 1992",
        ),
        Algorithm(
            name="reinforce++",
            advantage=advantages.whiten,
            loss=losses.clipped_surrogate,
            group_by="batch",
            defaults={"statistics": "token", "clip_low": 0.2, "clip_high": 0.2, "dual_clip": 0.0},
            paper="Hu et al., REINFORCE++, arXiv 2501.03262; its KL, token by token: kl_coef=0.01 kl_in=reward kl_estimator=k1",
        ),
        Algorithm(
            name="trr++",
            advantage=advantages.whiten,
            loss=losses.clipped_surrogate,
            group_by="role+task_type",
            defaults={"statistics": "token", "clip_low": 0.2, "clip_high": 0.2, "dual_clip": 0.0},
            paper="Zhao et al., Absolute Zero, arXiv 2505.03335, equation 8; statistics=sequence is its text, token its code",
        ),
        Algorithm(
            name="rae",
            advantage=advantages.ema_baseline,
            loss=losses.clipped_surrogate,
            group_by="game+role",
            defaults={"ema_decay": 0.95, "clip_low": 0.2, "clip_high": 0.2, "dual_clip": 0.0},
            objective=Objective(aggregate="message"),
            paper="Liu et al., SPIRAL, arXiv 2506.24119, role-conditioned advantage estimation",
        ),
        Algorithm(
            name="rloo",
            advantage=advantages.leave_one_out,
            loss=losses.policy_gradient,
            group_by="prompt",
            needs=SIBLINGS,
            objective=Objective(aggregate="message"),
            paper="Ahmadian et al., Back to Basics, arXiv 2402.14740",
        ),
        Algorithm(
            name="grpo",
            advantage=advantages.standardise,
            loss=losses.clipped_surrogate,
            group_by="prompt",
            needs=SIBLINGS,
            defaults={"clip_low": 0.2, "clip_high": 0.2, "dual_clip": 0.0},
            objective=Objective(aggregate="sequence"),
            paper="Shao et al., DeepSeekMath, arXiv 2402.03300, equation 3; its KL term is kl_coef=0.04",
        ),
        Algorithm(
            name="dr_grpo",
            advantage=advantages.centre,
            loss=losses.clipped_surrogate,
            group_by="prompt",
            needs=SIBLINGS,
            defaults={"clip_low": 0.2, "clip_high": 0.2, "dual_clip": 0.0},
            objective=Objective(aggregate="constant"),
            paper="Liu et al., Understanding R1-Zero-like training, arXiv 2503.20783, figure 1",
        ),
        Algorithm(
            name="dapo",
            advantage=advantages.standardise,
            loss=losses.clipped_surrogate,
            group_by="prompt",
            needs=SIBLINGS,
            defaults={"clip_low": 0.2, "clip_high": 0.28, "dual_clip": 0.0},
            objective=Objective(aggregate="token", constant_groups="drop", refills=3, overlong_share=0.2),
            paper="Yu et al., DAPO, arXiv 2503.14476, equation 8",
        ),
        Algorithm(
            name="gspo",
            advantage=advantages.standardise,
            loss=losses.clipped_sequence,
            clips_messages=True,
            group_by="prompt",
            needs=SIBLINGS,
            defaults={"clip_low": 3e-4, "clip_high": 4e-4},
            objective=Objective(aggregate="sequence"),
            paper="Zheng et al., Group Sequence Policy Optimization, arXiv 2507.18071",
        ),
        Algorithm(
            name="cispo",
            advantage=advantages.standardise,
            loss=losses.clipped_weight,
            group_by="prompt",
            needs=SIBLINGS,
            defaults={"weight_cap": 5.0},
            objective=Objective(aggregate="token"),
            paper="MiniMax-M1, arXiv 2506.13585, equations 4 and 5",
        ),
        Algorithm(
            name="ppo",
            advantage=gae.generalised,
            loss=losses.clipped_surrogate,
            group_by="batch",
            defaults={"gae_lambda": 0.95, "whitened": True, "clip_low": 0.2, "clip_high": 0.2, "dual_clip": 0.0},
            paper="Schulman et al., PPO, arXiv 1707.06347; as for language models in Ouyang et al., arXiv 2203.02155; their "
            "KL, token by token: kl_coef with kl_in=reward kl_estimator=k1",
        ),
        Algorithm(
            name="lsp-zero",
            advantage=advantages.centre,
            loss=losses.policy_gradient,
            group_by="query",
            needs=SIBLINGS,
            objective=Objective(aggregate="role", kl_coef=0.05, kl_estimator="k1", kl_in="reward"),
            paper=f"Kuba et al., Language Self-Play, arXiv 2509.07414, equations 2-5; alpha_Ch is role_weights. {LSP_KL}",
        ),
        Algorithm(
            name="lsp",
            advantage=advantages.centre,
            loss=losses.policy_gradient,
            group_by="query",
            needs=SIBLINGS,
            objective=Objective(aggregate="role", kl_coef=0.05, kl_estimator="k1", kl_in="reward"),
            paper="Kuba et al., Language Self-Play, arXiv 2509.07414: lsp-zero on credits that hold the quality score R_Q too, "
            f"which the game's quality_weight rewards. {LSP_KL}",
        ),
        Algorithm(
            name="sft",
            advantage=advantages.imitate,
            loss=losses.policy_gradient,
            group_by="batch",
            paper="Maximum likelihood of the messages given, whatever they earned",
        ),
        Algorithm(
            name="rft",
            advantage=advantages.imitate,
            loss=losses.policy_gradient,
            group_by="prompt",
            select=selection.accepted,
            paper="Yuan et al., arXiv 2308.01825: maximum likelihood of the messages with a positive return",
        ),
        Algorithm(
            name="dpo",
            advantage=advantages.imitate,
            loss=losses.preference,
            group_by="prompt",
            needs=SIBLINGS | {"pairs"},
            select=selection.pairs,
            defaults={"beta": 0.1},
            objective=Objective(aggregate="message"),
            paper="Rafailov et al., Direct Preference Optimization, arXiv 2305.18290, over winning and losing attempts",
        ),
    )
}


NAMED: Registry[Algorithm] = Registry(
    "algorithm",
    ALGORITHMS,
    group="agents.algorithms",
    what="an Algorithm",
    fits=lambda algorithm: isinstance(algorithm, Algorithm),
)


def find_algorithm(name: str) -> Algorithm:
    """The algorithm of that name, or `module:ROW`, a row in a module of one's own; packages name theirs in `agents.algorithms`.

    Raises:
        UsageError: There is none.
    """
    return NAMED.find(name)
