"""Runs worth typing by name: `selfplay train azr-tiny`. Values are code, so that a preset is read, diffed and tested.

Those that a computer without a large GPU trains are here, the others in `large_presets`; the table names all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from selfplay_envs.core.errors import UsageError
from selfplay_envs.names.loading import blame
from selfplay_envs.names.registry import Registry

from .game_mixes import challenge, code_games, fixed_code_games, fixed_instructions
from .large_presets import azr_1_5b, azr_3b, azr_7b, azr_8b, grpo_data, lsp_3b
from .learner import LearnerConfig
from .run import EvalConfig, GameMix, TrainConfig
from .sampling import Sampling


def azr_tiny() -> TrainConfig:
    """Absolute Zero in small: three code games, the tiny model, a few minutes on two CPU cores.

    A task that is always or never solved rewards its proposer with 0, as in the paper's equation 4, not AZR's -0.5: repeated
    proposals get -1, and that difference is what keeps the proposer from repeating itself.
    """
    games = code_games("terse", attempts=8, fresh=16, replay=8, references=2, num_inputs=4, exclude="tiny", extreme_credit=0.0)
    return TrainConfig(
        games=games,
        steps=150,
        sampling=Sampling(max_new_tokens=110),
        learner=LearnerConfig(lr=3e-4),
        evaluation=EvalConfig(tasks="tiny", samples=4, sampling=Sampling(max_new_tokens=100)),
    )


def rlvr_tiny() -> TrainConfig:
    """RLVR in small: `azr-tiny` without a proposer, on 2,048 fixed programs that are none of the held-out ones.

    Everything else is `azr-tiny`'s: algorithm, panels of 8, learning rate, steps. 27 episodes per task type and step hold 6,400
    trained tokens in the mean of three seeds, where `azr-tiny` has 6,100; `selfplay compare azr` matches arms more closely.
    """
    return _on_fixed_tasks("trr++", attempts=8, fixed=27)


def sft_tiny() -> TrainConfig:
    """Supervised fine-tuning in small: the gold replies to the tasks of `rlvr-tiny`, nothing is sampled.

    Its 164 gold replies per task type and step hold 6,700 tokens, 10 % more than `azr-tiny` trains on; 150 steps are 12 epochs.
    The learning rate is `azr-tiny`'s, so that arms differ in what they learn from and in nothing else: maximum likelihood has
    no negative signal, every token is pushed up by the same weight, 1 over the number of tokens, where a whitened advantage
    has standard deviation 1 and mean 0; Adam divides the scale of either out.
    """
    return _on_fixed_tasks("sft", attempts=1, fixed=164, gold=1)


def rft_tiny() -> TrainConfig:
    """Rejection-sampling fine-tuning in small: per task of `rlvr-tiny` the gold reply, and three samples kept where right.

    Gold keeps tasks in training that the model never solves. Which samples are right changes as it learns, so that its tokens
    per step, 6,900 in the mean and 13 % more than `azr-tiny`'s, grow during the run.
    """
    return _on_fixed_tasks("rft", attempts=4, fixed=128, gold=1)


def _on_fixed_tasks(algorithm: str, *, attempts: int, fixed: int, gold: int = 0) -> TrainConfig:
    """`azr-tiny` with the tiny model's training tasks in the place of proposals."""
    games = fixed_code_games("terse", attempts=attempts, fixed=fixed, tasks="tiny", exclude="tiny", gold=gold)
    return replace(azr_tiny(), games=games, algorithm=algorithm)


def azr_smollm2() -> TrainConfig:
    """The same game with a 135M instruction model and the full prompts; batches small enough for a CPU."""
    return TrainConfig(
        model="smollm2",
        games=code_games("full", attempts=4, fresh=2, replay=2, references=2, num_inputs=6),
        steps=50,
        sampling=Sampling(temperature=0.7, max_new_tokens=256),  # at 1.0 a model this small rambles
        learner=LearnerConfig(lr=1e-5, micro_batch_tokens=512),
        checkpoint_every=10,
        max_rows=128,
        lanes=1,  # programs take no time beside this model's replies, and half a batch costs nearly as much as a whole one
    )


def lsp_tiny() -> TrainConfig:
    """Language Self-Play in small: one challenger prompt, centred returns, a rule-based judge.

    8 queries per step, as in the paper, which does not report the panel: of 4 answers to a clause that the model meets in 3 to
    10 % most have one score and teach nothing, of 16 about half. Measured on 200 combinations of clauses that the warm start
    did not show, and that are masked where the challenger writes one: the share of clauses met rises by 3 points in each of
    three seeds, that of answers that meet all does not.

    See: Kuba et al., arXiv 2509.07414, algorithm 1.
    """
    return TrainConfig(
        games=challenge("terse", attempts=16, quality_weight=0.0, exclude="tiny"),
        algorithm="lsp-zero",
        steps=400,
        sampling=Sampling(max_new_tokens=64),
        learner=LearnerConfig(lr=3e-4),
        evaluation=EvalConfig(tasks="tiny-instructions", samples=16, sampling=Sampling(max_new_tokens=64)),
        lanes=1,  # nothing to verify in a sandbox
    )


def grpo_data_tiny() -> TrainConfig:
    """GRPO on data in small: the baseline of `lsp-tiny`, on 1,024 fixed instructions that are none of the held-out ones.

    Everything else is `lsp-tiny`'s; KL is k3 in the loss, as in the paper's library.

    See: Kuba et al., arXiv 2509.07414, table 1.
    """
    games = fixed_instructions("terse", attempts=16, tasks="tiny", exclude="tiny")
    return replace(lsp_tiny(), games=games, algorithm="grpo", options={"kl_coef": 0.05})


def kuhn_tiny() -> TrainConfig:
    """Kuhn poker against oneself: one baseline per role, as the two seats' values differ (-1/18 for the first).

    See: Liu et al., SPIRAL, arXiv 2506.24119, for role-conditioned advantages.
    """
    return TrainConfig(
        games=(GameMix(env_id="SelfPlay/KuhnPoker-v0", kwargs={"style": "terse"}, fresh=128, replay=0, references=0),),
        algorithm="trr++",
        steps=60,
        sampling=Sampling(max_new_tokens=16),
        learner=LearnerConfig(lr=1e-4),
        lanes=1,  # nothing to verify in a sandbox
    )


PRESETS: dict[str, Callable[[], TrainConfig]] = {
    "azr-tiny": azr_tiny,
    "rlvr-tiny": rlvr_tiny,
    "sft-tiny": sft_tiny,
    "rft-tiny": rft_tiny,
    "azr-smollm2": azr_smollm2,
    "azr-1.5b": azr_1_5b,
    "azr-3b": azr_3b,
    "azr-7b": azr_7b,
    "azr-8b": azr_8b,
    "lsp-tiny": lsp_tiny,
    "grpo-data-tiny": grpo_data_tiny,
    "lsp-3b": lsp_3b,
    "grpo-data": grpo_data,
    "kuhn-tiny": kuhn_tiny,
}


NAMED: Registry[TrainConfig | Callable[[], TrainConfig]] = Registry(
    "preset",
    PRESETS,
    group="agents.presets",
    what="a TrainConfig or function that returns one",
    fits=lambda preset: callable(preset) or isinstance(preset, TrainConfig),
)


def find_preset(name: str) -> TrainConfig:
    """The preset of that name, or `module:PRESET`: a function that returns a `TrainConfig`, or a `TrainConfig`.

    Packages name theirs in the entry-point group `agents.presets`.

    Raises:
        UsageError: There is none, or it makes no `TrainConfig`.
    """
    preset = NAMED.find(name)
    try:
        config: object = preset() if callable(preset) else preset
    except (Exception, SystemExit) as error:  # somebody's own function
        raise UsageError(f"preset={name!r}: {blame(error, name.partition(':')[0])}; mend that function.") from error
    if not isinstance(config, TrainConfig):
        raise UsageError(f"preset={name!r} returns {config!r:.60}, which is no TrainConfig; see agents.TrainConfig.")
    return config
