"""Runs worth typing by name: `selfplay train azr-tiny`. Values are code, so that a preset is read, diffed and tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from selfplay_envs.errors import UsageError
from selfplay_envs.loading import blame
from selfplay_envs.named import Registry

from .config import EvalConfig, GameMix, TrainConfig
from .learner_config import LearnerConfig
from .sampling import Sampling

DEDUCTION, ABDUCTION, INDUCTION = "SelfPlay/Deduction-v0", "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0"


def code_games(
    style: str,
    *,
    attempts: int,
    fresh: int,
    replay: int,
    references: int,
    num_inputs: int,
    exclude: str = "none",
    extreme_credit: float = -0.5,
) -> tuple[GameMix, ...]:
    """The three task types of Absolute Zero; induction takes its programs from the other two."""

    def mix(env_id: str) -> GameMix:
        induction = env_id == INDUCTION
        kwargs: dict[str, str | int | float | bool] = {"attempts": attempts, "style": style, "extreme_credit": extreme_credit}
        return GameMix(
            env_id=env_id,
            kwargs={**kwargs, **({"num_inputs": num_inputs} if induction else {})},
            fresh=fresh,
            replay=replay,
            references=1 if induction else references,
            references_from=(DEDUCTION, ABDUCTION) if induction else (),
            novelty="pair" if induction else "task",
            exclude=exclude,
        )

    return tuple(mix(env_id) for env_id in (DEDUCTION, ABDUCTION, INDUCTION))


def azr_tiny() -> TrainConfig:
    """Absolute Zero in small: three code games, the tiny model, a few minutes on two CPU cores.

    A task that is always or never solved pays its proposer 0, as in the paper's equation 4, not AZR's -0.5: repeated
    proposals pay -1, and that difference is what keeps the proposer from repeating itself.
    """
    games = code_games("terse", attempts=8, fresh=16, replay=8, references=2, num_inputs=4, exclude="tiny", extreme_credit=0.0)
    return TrainConfig(
        games=games,
        steps=150,
        sampling=Sampling(max_new_tokens=110),
        learner=LearnerConfig(lr=3e-4),
        evaluation=EvalConfig(tasks="tiny", samples=4, sampling=Sampling(max_new_tokens=100)),
    )


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

    See: Kuba et al., arXiv 2509.07414, algorithm 1; 8 queries per step.
    """
    return TrainConfig(
        games=(
            GameMix(
                env_id="SelfPlay/InstructionChallenge-v0",
                kwargs={"attempts": 4, "style": "terse", "quality_weight": 0.0},
                fresh=8,
                replay=0,
                references=0,
            ),
        ),
        algorithm="lsp-zero",
        steps=60,
        sampling=Sampling(max_new_tokens=64),
        learner=LearnerConfig(lr=1e-4),
        lanes=1,  # nothing to verify in a sandbox
    )


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


def azr_8b() -> TrainConfig:
    """Absolute Zero in its published sizes, for one large GPU with vLLM: 8 billion weights, LoRA, bfloat16.

    As in the authors' code, in the branch that the paper's runs were made with: 64 proposals and 64 replays per task type and
    step, 8 attempts, 6 references, 10 inputs, buffers of 16,384 tasks, prompts up to 6,144 and replies up to 8,096 tokens,
    temperature 1; one optimiser step per batch with AdamW (no warm-up, betas 0.9 and 0.999, eps 1e-8, weight decay 0.01,
    gradients clipped to norm 1), clip range 0.2 on both sides, entropy bonus 0.001, no KL; a repeated
    proposal is paid like any other, and one that is always or never solved -0.5. One step per batch leaves every ratio at 1, so
    clipping is idle, there as here.

    Deviations:

    - Rank-32 adapters train where the paper trains every weight, so that one GPU holds it; weight decay acts on them alone.
    - Their learning rate is 2e-5 where the paper's is 1e-6: adapters usually take ten times as much and more, and what ten
      steps of 1e-6 add to a layer's output is mostly rounded away in bfloat16.
    - The 8 attempts that rate a proposal train too, and replayed tasks have panels of 8: 3,072 solver messages beside 192 of
      proposers, where the authors throw the rating attempts away and train 192 beside 192. `role_shares` gives each side half
      of the loss's weight again, as those numbers do where replies are of like length.
    - The loss is a mean over the tokens of the whole batch; there it is one over each micro-batch's, then over micro-batches.
    - Advantages of trr++ are centred and scaled per role and task type, over all messages of both kinds of episode.
    - A solver meets this step's proposals, and replays; there it meets those of the step before, and old tasks.
    - The buffers begin empty, keep each task once, and forget the oldest first; there they begin with 256 seeds, keep
      repetitions, and refuse new tasks once they are full.
    - Proposals are accepted, and answers compared, by this package's sandbox, whose rules are stricter.
    - 500 steps are the paper's; its model of this size is Llama-3.1-8B, this one is its later code's family.

    See: Zhao et al., Absolute Zero, arXiv 2505.03335, table 3; github.com/LeapLabTHU/Absolute-Zero-Reasoner, branch paper.
    """
    games = code_games("full", attempts=8, fresh=64, replay=64, references=6, num_inputs=10)
    return TrainConfig(
        model="Qwen/Qwen3-8B-Base",
        games=tuple(replace(mix, duplicate_credit=None) for mix in games),
        options={"role_shares": "proposer=0.5,solver=0.5", "entropy_coef": 0.001},
        steps=500,
        sampling=Sampling(max_new_tokens=8_096),
        learner=LearnerConfig(
            lr=2e-5,
            warmup_steps=0,
            beta2=0.999,
            weight_decay=0.01,
            lora_rank=32,
            dtype="bfloat16",
            gradient_checkpointing=True,
            micro_batch_tokens=16_384,
        ),
        # of 80 GB: the learner rests in 17 GiB beside it, and needs 27 while it sleeps
        sampler="vllm:dtype=bfloat16,max_model_len=14240,sleep=1,gpu_memory_utilization=0.7",
        checkpoint_every=10,
        max_rows=1_024,
        lanes=1,  # the longest replies decide how long a batch takes, and two lanes would wait for them twice
    )


def azr_1_5b() -> TrainConfig:
    """Absolute Zero for one GPU of 24 GB with vLLM: a code model of 1.5 billion weights, LoRA, bfloat16.

    The game, the row and its settings are those of `azr-8b`, and so are its deviations from the paper, whose smallest model has
    3 billion weights. Further ones, so that a step takes minutes on such a card: a quarter of its episodes (16 proposals and 16
    replays per task type), 4 references where it shows 6, prompts and replies of 6,144 tokens together and replies of up to
    2,048, where a base model of this size that goes on for longer seldom ends well; 200 steps.

    The learner rests in 4 GiB beside an engine of 15, and needs 8 at its peak, while the engine sleeps: `selfplay doctor
    --preset azr-1.5b` counts it.

    See: Zhao et al., Absolute Zero, arXiv 2505.03335.
    """
    large = azr_8b()
    games = code_games("full", attempts=8, fresh=16, replay=16, references=4, num_inputs=10)
    return replace(
        large,
        model="Qwen/Qwen2.5-Coder-1.5B",
        games=tuple(replace(mix, duplicate_credit=None) for mix in games),
        steps=200,
        sampling=Sampling(max_new_tokens=2_048),
        sampler="vllm:dtype=bfloat16,max_model_len=6144,sleep=1,gpu_memory_utilization=0.7",
        max_rows=256,
    )


def lsp_3b() -> TrainConfig:
    """Language Self-Play in full, for one large GPU with vLLM: the frozen model also scores every answer for quality.

    Model, queries per step and KL coefficient (the row's, 0.05) are the paper's; panel, lengths and temperature are not
    reported there. Deviations: R is the `rules` judge where the paper has a reward model, and adapters train where it trains
    every weight, so that judge and reference cost no memory; at 3e-5 where the paper's learning rate is 3e-6, as adapters take
    ten times as much, and bfloat16 rounds most of less away. The model has to be able to judge: of 8 judgements by
    SmolLM2-135M-Instruct none had a readable score, and an unreadable one is 0.

    A card of 24 GB takes it with a smaller share for the engine: `selfplay doctor --preset lsp-3b` says what to type.

    See: Kuba et al., Language Self-Play, arXiv 2509.07414, algorithm 1 and table 1.
    """
    return TrainConfig(
        model="meta-llama/Llama-3.2-3B-Instruct",
        games=(
            GameMix(
                env_id="SelfPlay/InstructionChallenge-v0",
                kwargs={"attempts": 8, "style": "full", "quality_weight": 1.0},
                fresh=8,
                replay=0,
                references=0,
            ),
        ),
        algorithm="lsp",
        steps=1_500,
        sampling=Sampling(max_new_tokens=512),
        learner=LearnerConfig(
            lr=3e-5, lora_rank=32, dtype="bfloat16", gradient_checkpointing=True, micro_batch_tokens=16_384, warmup_steps=0
        ),
        # of 48 GB and more: the learner rests in 7 GiB beside it; if all weights train, in 49 and the judge's 11
        sampler="vllm:dtype=bfloat16,max_model_len=4096,sleep=1,gpu_memory_utilization=0.7",
        lanes=1,  # nothing to verify in a sandbox
    )


PRESETS: dict[str, Callable[[], TrainConfig]] = {
    "azr-tiny": azr_tiny,
    "azr-smollm2": azr_smollm2,
    "azr-1.5b": azr_1_5b,
    "azr-8b": azr_8b,
    "lsp-tiny": lsp_tiny,
    "lsp-3b": lsp_3b,
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
    found = NAMED.find(name)
    try:
        config: object = found() if callable(found) else found
    except (Exception, SystemExit) as error:  # somebody's own function
        raise UsageError(f"preset={name!r}: {blame(error, name.partition(':')[0])}; mend that function.") from error
    if not isinstance(config, TrainConfig):
        raise UsageError(f"preset={name!r} returns {config!r:.60}, which is no TrainConfig; see agents.TrainConfig.")
    return config
