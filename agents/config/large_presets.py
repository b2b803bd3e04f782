"""Runs worth typing by name that need a large GPU and vLLM: models of billions of weights. Listed in `presets.PRESETS`."""

from __future__ import annotations

from dataclasses import replace

from .game_mix import GameMix
from .game_mixes import challenge, code_games, fixed_instructions
from .learner import LearnerConfig
from .run import TrainConfig
from .sampling import Sampling

LARGE = LearnerConfig(lora_rank=32, dtype="bfloat16", gradient_checkpointing=True, micro_batch_tokens=16_384, warmup_steps=0)
"""Adapters on a model of billions of weights, beside an engine on one GPU."""
REWARD_MODEL = "Skywork/Skywork-Reward-V2-Llama-3.2-3B"
"""The reward model of Language Self-Play, on the hub."""


def azr_8b() -> TrainConfig:
    """Absolute Zero in its published sizes, for one large GPU with vLLM: 8 billion weights, LoRA, bfloat16.

    As in the authors' code, in the branch that the paper's runs were made with: 64 proposals and 64 replays per task type and
    step, 8 attempts, 6 references, 10 inputs, buffers of 16,384 tasks, prompts up to 6,144 and replies up to 8,096 tokens,
    temperature 1; one optimiser step per batch with AdamW (no warm-up, betas 0.9 and 0.999, eps 1e-8, weight decay 0.01,
    gradients clipped to norm 1), clip range 0.2 on both sides, entropy bonus 0.001, no KL. One step per batch leaves every
    ratio at 1, so clipping is idle, there as here.

    Where the paper, its code, and the code after it disagree, either is an option; first what this preset has:

    - `extreme_credit` of the games, for a task that is always or never solved: -0.5 (code); 0 (paper, equation 4).
    - `duplicate_credit` of a mix, for a repeated proposal: none, the credit of any other (code); -1 where copies shall not pay.
    - `raters` and `newest` of a mix: train and 0.5, solvers learn from this step's proposals, as in the paper's algorithm 1,
      and from old tasks; discard and 1, from those of the steps before alone (code, which throws the attempts away that rate a
      proposal).
    - `keep` of a mix, once a buffer is full: newest; oldest (code), after which nothing new is learned from.
    - `seeds` of a mix: 0, buffers begin empty; 256 out of the file `tasks` (both; 64 for Llama), which the base model wrote.
    - option `statistics` of trr++: token (code); sequence (paper, equation 8).
    - options `entropy_coef` and `clip_high`, and `learner.weight_decay`: 0.001, 0.2 and 0.01; later code: 0, 0.28 and 0.

    Not options, since nobody should want them: buffers that keep repetitions, attempts that rate proposals drawn greedily
    (later code, so that every rate is 0 or 1), gold values cut at 400 characters, answers evaluated by the trainer, and a check
    of determinism that refuses nothing. Not an option, since micro-batches are to change nothing here: a loss that is a mean
    over each micro-batch, then over micro-batches; it is one over the tokens of the whole batch.

    Deviations:

    - Rank-32 adapters train where the paper trains every weight, so that one GPU holds it; weight decay acts on them alone.
    - Their learning rate is 2e-5 where the paper's is 1e-6: adapters usually take ten times as much and more, and what ten
      steps of 1e-6 add to a layer's output is mostly rounded away in bfloat16.
    - Replayed tasks have panels of 8, and those that rate a proposal train: 3,072 solver messages beside 192 of proposers,
      where the authors train 192 beside 192. `role_shares` gives each side half of the loss's weight again, as those numbers
      do where replies are of like length.
    - Advantages of trr++ are centred and scaled per role and task type, over all messages of both kinds of episode.
    - Proposals are accepted, and answers compared, by this package's sandbox, whose rules are stricter.
    - 500 steps are the paper's; its model of this size is Llama-3.1-8B, this one is its later code's family.

    See: Zhao et al., Absolute Zero, arXiv 2505.03335, table 3; github.com/LeapLabTHU/Absolute-Zero-Reasoner, branch paper.
    """
    games = code_games("full", attempts=8, fresh=64, replay=64, references=6, num_inputs=10, duplicate_credit=None)
    return TrainConfig(
        model="Qwen/Qwen3-8B-Base",
        games=games,
        options={"role_shares": "proposer=0.5,solver=0.5", "entropy_coef": 0.001},
        steps=500,
        sampling=Sampling(max_new_tokens=8_096),
        learner=replace(LARGE, lr=2e-5, beta2=0.999, weight_decay=0.01),
        # of 80 GB: the learner keeps 17 GiB beside it, and needs 27 while it sleeps
        sampler="vllm:dtype=bfloat16,max_model_len=14240,sleep=1,gpu_memory_utilization=0.7",
        checkpoint_every=10,
        max_rows=1_024,
        lanes=1,  # the longest replies decide how long a batch takes, and two lanes would wait for them twice
    )


def azr_7b() -> TrainConfig:
    """Absolute Zero with the paper's best model of 7 billion weights, a code model, for one GPU of 80 GB with vLLM.

    Constants, switches and deviations are those of `azr-8b`; the model is the paper's, and so are the 500 steps. The paper's
    other one of this size is the base model it comes from: `--model Qwen/Qwen2.5-7B`.

    The learner keeps 16 GiB beside an engine of 55, and needs 25 at its peak, while the engine sleeps: `selfplay doctor
    --preset azr-7b` counts it.

    See: Zhao et al., Absolute Zero, arXiv 2505.03335, tables 1 and 3.
    """
    return replace(azr_8b(), model="Qwen/Qwen2.5-Coder-7B")


def azr_3b() -> TrainConfig:
    """Absolute Zero with the paper's model of 3 billion weights, all of which train, for one GPU of 80 GB with vLLM.

    Every weight trains, at the paper's learning rate of 1e-6, with float32 masters; apart from adapters the constants, switches
    and deviations are those of `azr-8b`.

    The learner keeps 41 GiB beside an engine of 32, and needs 58 at its peak, while the engine sleeps: `selfplay doctor
    --preset azr-3b` counts it. With adapters (`--learner.lora-rank 32 --learner.lr 2e-5`) a card of 48 GB takes it.

    See: Zhao et al., Absolute Zero, arXiv 2505.03335, table 3 and section 4.
    """
    large = azr_8b()
    return replace(
        large,
        model="Qwen/Qwen2.5-Coder-3B",
        learner=replace(large.learner, lora_rank=0, lr=1e-6),
        sampler="vllm:dtype=bfloat16,max_model_len=14240,sleep=1,gpu_memory_utilization=0.4",
    )


def azr_1_5b() -> TrainConfig:
    """Absolute Zero for one GPU of 24 GB with vLLM: a code model of 1.5 billion weights, LoRA, bfloat16.

    The game, the row and its settings are those of `azr-8b`, and so are its deviations from the paper, whose smallest model has
    3 billion weights. Further ones, so that a step takes minutes on such a card: a quarter of its episodes (16 proposals and 16
    replays per task type), 4 references where it shows 6, prompts and replies of 6,144 tokens together and replies of up to
    2,048, where a base model of this size that goes on for longer seldom ends well; 200 steps.

    The learner keeps 4 GiB beside an engine of 15, and needs 8 at its peak, while the engine sleeps: `selfplay doctor
    --preset azr-1.5b` counts it.

    See: Zhao et al., Absolute Zero, arXiv 2505.03335.
    """
    return replace(
        azr_8b(),
        model="Qwen/Qwen2.5-Coder-1.5B",
        games=code_games("full", attempts=8, fresh=16, replay=16, references=4, num_inputs=10, duplicate_credit=None),
        steps=200,
        sampling=Sampling(max_new_tokens=2_048),
        sampler="vllm:dtype=bfloat16,max_model_len=6144,sleep=1,gpu_memory_utilization=0.7",
        max_rows=256,
    )


def lsp_3b() -> TrainConfig:
    """Language Self-Play in full, for one large GPU with vLLM: a reward model, and the frozen model for quality.

    Model, reward model, queries per step and KL coefficient (the row's, 0.05) are the paper's, and so is what the challenger is
    told; panel, lengths, temperature, and what a reply without an instruction or an answer costs are not reported there. A
    reward model's scores have no bounds; such a reply has -20 here, which is a guess at what lies below them. LSP-Zero is
    `--algorithm lsp-zero --game-kwargs quality_weight=0`, a run on mathematics `--game-kwargs "task=Pure & Applied
    Mathematics"`.

    Deviations: adapters train where the paper trains every weight, so that judge and reference cost no memory; at 3e-5 where
    the paper's learning rate is 3e-6, as adapters take ten times as much, and bfloat16 rounds most of less away. The model has
    to be able to judge: of 8 judgements by SmolLM2-135M-Instruct none had a readable score, and an unreadable one is 0.

    See: Kuba et al., Language Self-Play, arXiv 2509.07414, algorithm 1 and table 1.
    """
    return TrainConfig(
        model="meta-llama/Llama-3.2-3B-Instruct",
        games=_unbounded(challenge("open", attempts=8, quality_weight=1.0)),
        algorithm="lsp",
        steps=1_500,
        sampling=Sampling(max_new_tokens=512),
        learner=replace(LARGE, lr=3e-5),
        judge=f"reward-model:id={REWARD_MODEL}",
        # of 48 GB and more: the learner keeps 7 GiB beside it; if all weights train, in 49 and the judge's 11
        sampler="vllm:dtype=bfloat16,max_model_len=4096,sleep=1,gpu_memory_utilization=0.6",
        lanes=1,  # nothing to verify in a sandbox
    )


def grpo_data() -> TrainConfig:
    """GRPO on data, the baseline of `lsp-3b`: Alpaca's instructions and the same reward model, without a challenger.

    Model, reward model, data, queries per step and KL coefficient are the paper's; the panel is the default of the library that
    it used, with KL as its k3 in the loss. Adapters train, at ten times the paper's learning rate of 1e-6, as in `lsp-3b`.

    RL after self-play is `selfplay train grpo-data --model runs/lsp-3b`, as in the paper's third version, self-play after RL
    `selfplay train lsp-3b --model runs/grpo-data`, as in its first. Either way KL is to the weights that the run starts from.

    See: Kuba et al., Language Self-Play, arXiv 2509.07414, section 4 and table 1; data: Taori et al., Stanford Alpaca, 2023.
    """
    self_play = lsp_3b()
    return replace(
        self_play,
        games=_unbounded(fixed_instructions("open", attempts=8, tasks="alpaca")),
        algorithm="grpo",
        options={"kl_coef": 0.05},
        learner=replace(self_play.learner, lr=1e-5),
    )


def _unbounded(games: tuple[GameMix, ...]) -> tuple[GameMix, ...]:
    """The games with a credit of malformed messages that is below the scores of a reward model."""
    return tuple(replace(mix, kwargs={**mix.kwargs, "malformed_credit": -20.0}) for mix in games)
