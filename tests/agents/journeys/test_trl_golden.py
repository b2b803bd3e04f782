"""Golden numbers: rows of our table beside TRL's own trainers: the same weights, tokens, returns and old log-probabilities.

TRL's code runs: its advantages come from its own `_generate_and_score_completions` (only the replies are handed to it), its
loss from its own `_compute_loss` or `compute_loss`. Ours is a whole `Learner.update`, in several micro-batches of packed rows.
Loss and gradient must agree within float32 rounding; where a row means something else by its paper, the test says what and why.

Rows without a counterpart in TRL 1.16: reinforce, reinforce++, trr++ and rae (baselines over batch, cell or time), ppo (no
value head any more), lsp (one loss per role). rft is sft on a subset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel

from agents import ALGORITHMS, Learner, LearnerConfig, Sample, Tag, TokenBatch, collate
from agents.algorithms.algorithm import Algorithm
from selfplay_envs import Reply
from tests.helpers.toys import LETTERS, SPECIAL, build_model, build_tokenizer

pytest.importorskip("trl", reason="the golden numbers are TRL's: pip install -e '.[bench]'")

# raised inside TRL and what it imports
pytestmark = pytest.mark.filterwarnings("ignore:::trl", "ignore::DeprecationWarning", "ignore::FutureWarning")

PROMPTS = ("abc", "say d twice", "name 7")
LENGTHS = (3, 9, 5, 6, 4, 8, 7, 3, 5, 5, 10, 2)
RETURNS = (1.0, 0.0, 0.25, 1.0, -0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5)
"""The third group is constant: nothing to learn from it."""
GROUP = 4
LIMIT = 12
TEMPERATURE = 0.7


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row with a run's settings, and what TRL calls them."""

    row: str
    options: Mapping[str, Any] = field(default_factory=dict)
    trl: Mapping[str, Any]
    clips: bool = True
    """Ratios leave the bounds on some tokens, so that the case would notice wrong ones."""


CASES = {
    "grpo": Case(row="grpo", trl={"loss_type": "grpo"}),
    # TRL's default since DeepSeek-V3.2 multiplies the KL term by the ratio; GRPO's equation 4 does not.
    "grpo with KL": Case(
        row="grpo", options={"kl_coef": 0.04}, trl={"loss_type": "grpo", "beta": 0.04, "use_bias_correction_kl": False}
    ),
    "bnpo": Case(row="grpo", options={"aggregate": "token"}, trl={"loss_type": "bnpo"}),
    "dr_grpo": Case(row="dr_grpo", trl={"loss_type": "dr_grpo", "scale_rewards": "none"}),
    # TRL leaves dynamic sampling (constant groups) and the overlong penalty to its user: see the tests below.
    "dapo": Case(
        row="dapo",
        options={"constant_groups": "keep", "overlong_share": 0.0},
        trl={"loss_type": "dapo", "epsilon_high": 0.28},
    ),
    "gspo": Case(
        row="gspo", trl={"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 3e-4, "epsilon_high": 4e-4}
    ),
    "gspo, wide": Case(
        row="gspo",
        options={"clip_low": 0.05, "clip_high": 0.1},
        trl={"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 0.05, "epsilon_high": 0.1},
    ),
    # For CISPO, TRL's epsilon_high is the cap itself, not its distance from 1.
    "cispo": Case(row="cispo", options={"weight_cap": 1.2}, trl={"loss_type": "cispo", "epsilon_high": 1.2}),
    # TRL takes the quantile of each micro-batch, ours of the step: the same here, where TRL has one.
    "high-entropy tokens": Case(
        row="grpo", options={"entropy_share": 0.2}, trl={"loss_type": "grpo", "top_entropy_quantile": 0.2}
    ),
    # TRL's bonus is a mean over tokens whatever the loss; ours is aggregated as the row's loss, so the row must do so by token.
    "entropy bonus": Case(
        row="grpo", options={"aggregate": "token", "entropy_coef": 0.1}, trl={"loss_type": "bnpo", "entropy_coef": 0.1}
    ),
    # TRL's default masks whole sequences above 3; Yao et al. truncate tokens.
    "truncated importance sampling": Case(
        row="grpo",
        options={"tis_cap": 1.2},
        trl={"vllm_importance_sampling_mode": "token_truncate", "vllm_importance_sampling_clip_max": 1.2, "loss_type": "grpo"},
        clips=False,
    ),
}


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starting weights on disk, from where TRL loads its reference."""
    folder = tmp_path_factory.mktemp("start")
    build_model(seed=0).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def batch() -> TokenBatch:
    """Replies of a sampler that disagrees with the policy by about 0.3 nats a token."""
    rng = torch.Generator().manual_seed(3)
    tokenizer, policy = build_tokenizer(), build_model(seed=1)
    samples = []
    for row, length in enumerate(LENGTHS):
        prompt = tokenizer(PROMPTS[row // GROUP])["input_ids"]
        reply = torch.randint(len(SPECIAL), len(SPECIAL) + len(LETTERS), (length,), generator=rng)
        with torch.no_grad():
            logits = policy(torch.tensor([[*prompt, *reply.tolist()]])).logits[0, len(prompt) - 1 : -1]
        own = torch.log_softmax(logits / TEMPERATURE, -1).gather(-1, reply[:, None])[:, 0]
        noisy = own + 0.3 * torch.randn(length, generator=rng)
        said = Reply(text="", prompt_ids=tuple(prompt), token_ids=tuple(reply.tolist()), logprobs=tuple(noisy.tolist()))
        samples.append(Sample(said, RETURNS[row], Tag(role="solver", prompt_id=str(row // GROUP))))
    return collate(samples)


@dataclass(slots=True)
class Found:
    """One optimiser step's loss and gradient."""

    loss: float
    gradient: dict[str, Tensor]
    metrics: Mapping[str, float] = field(default_factory=dict)

    def agrees_with(self, other: Found) -> None:
        assert self.loss == pytest.approx(other.loss, rel=1e-5, abs=1e-6)
        self.gradient_agrees_with(other)

    def gradient_agrees_with(self, other: Found, scale: float = 1.0) -> None:
        assert set(self.gradient) == set(other.gradient)
        own, its = (torch.cat([one.gradient[name].flatten() for name in sorted(one.gradient)]) for one in (self, other))
        assert float(its.norm()) > 1e-3
        assert float((own - scale * its).norm() / (scale * its).norm()) < 2e-5


def ours(batch: TokenBatch, algorithm: Algorithm, temperature: float = TEMPERATURE) -> Found:
    """A whole update by our learner, whose reference are the starting weights."""
    config = LearnerConfig(grad_clip=0.0, micro_batch_tokens=64)
    learner = Learner(build_model(seed=0), config, temperature=temperature, reply_limit=LIMIT)
    learner.keep_reference()
    learner.model.load_state_dict(build_model(seed=1).state_dict())
    found = Found(0.0, {})
    learner.optimizer.register_step_pre_hook(lambda *_: found.gradient.update(gradient_of(learner.model)))
    found.metrics = learner.update(batch, algorithm)
    found.loss = found.metrics["loss"]
    return found


def gradient_of(model: PreTrainedModel) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def rows_of(batch: TokenBatch) -> list[dict[str, Any]]:
    """Prompt, reply and log-probabilities of every message, unpadded."""
    found = []
    for row in range(len(batch)):
        reply = batch.mask_BT[row]
        prompt = batch.attention_BT[row] & ~reply
        kinds = {"prompt_ids": batch.ids_BT[row, prompt], "completion_ids": batch.ids_BT[row, reply]}
        found.append({name: ids.tolist() for name, ids in kinds.items()} | {"logprobs": batch.logprobs_BT[row, reply].tolist()})
    return found


def settings(config_class: Any, folder: Path, **changed: Any) -> Any:
    """A TRL config for one step on all rows, with nothing written or reported."""
    common = {"output_dir": str(folder / "out"), "use_cpu": True, "bf16": False, "report_to": [], "save_strategy": "no"}
    return config_class(**common, per_device_train_batch_size=len(LENGTHS), dataloader_pin_memory=False, **changed)


def online_trainer(trainer_class: Any, config: Any, start: Path, batch: TokenBatch, **given: Any) -> Any:
    """A GRPO or RLOO trainer of TRL with our policy's weights, whose reference are the starting weights."""
    from datasets import Dataset

    def reward(completions: list[Any], **kwargs: Any) -> list[float]:
        return batch.returns_B.tolist()

    given = {"reward_funcs": reward, **given}
    data = Dataset.from_dict({"prompt": list(PROMPTS)})
    model = LlamaForCausalLM.from_pretrained(start)
    trainer = trainer_class(model=model, args=config, train_dataset=data, processing_class=build_tokenizer(), **given)
    return ready(trainer)


def ready(trainer: Any) -> Any:
    """The trainer as it is in the middle of a step, with the policy's weights."""
    trainer.model.load_state_dict(build_model(seed=1).state_dict())
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    return trainer


def backward(trainer: Any, loss: Tensor) -> Found:
    trainer.model.zero_grad()
    torch.autograd.backward(loss)
    return Found(loss.item(), gradient_of(trainer.model))


def grpo(batch: TokenBatch, start: Path, *, old: str = "sampler", **changed: Any) -> tuple[Any, dict[str, Any]]:
    """TRL's GRPO trainer, and the inputs that it made of the batch; old log-probabilities are the sampler's, or its own."""
    from trl import GRPOConfig, GRPOTrainer
    from trl.trainer.utils import pad

    rewards = {"reward_funcs": changed.pop("reward_funcs")} if "reward_funcs" in changed else {}
    config = settings(GRPOConfig, start, num_generations=GROUP, max_completion_length=LIMIT, temperature=TEMPERATURE, **changed)
    trainer = online_trainer(GRPOTrainer, config, start, batch, **rewards)
    replies, logprobs = ([row[name] for row in rows_of(batch)] for name in ("completion_ids", "logprobs"))
    trainer._generate_single_turn = lambda *_: (replies, logprobs)
    if old == "its own":  # what TRL does where replies come from vLLM
        trainer.use_vllm, trainer._last_loaded_step = True, trainer.state.global_step
    inputs = trainer._generate_and_score_completions([{"prompt": prompt} for prompt in PROMPTS for _ in range(GROUP)])
    if old == "sampler":
        inputs["old_per_token_logps"] = pad([torch.tensor(one) for one in logprobs], padding_value=0.0, padding_side="right")
    return trainer, inputs


def first_of_each(advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
    return torch.stack([own_T[mask_T][0] for own_T, mask_T in zip(advantage_BT, mask_BT, strict=True)])


@pytest.mark.parametrize("name", CASES)
def test_the_row_is_trl_s(name: str, batch: TokenBatch, start: Path) -> None:
    case = CASES[name]
    algorithm = ALGORITHMS[case.row].configured(case.options)
    old = "its own" if algorithm.objective.tis_cap else "sampler"
    if old == "sampler":
        algorithm = algorithm.configured({"old_logprobs": old})
    trainer, inputs = grpo(batch, start, old=old, **case.trl)
    torch.testing.assert_close(
        first_of_each(algorithm.advantages(batch), batch.mask_BT), inputs["advantages"], rtol=1e-5, atol=1e-6
    )
    its = backward(trainer, trainer._compute_loss(trainer.model, inputs))
    own = ours(batch, algorithm)
    own.agrees_with(its)
    if case.clips:
        ratio_N = ((own_logprobs(batch) - batch.logprobs_BT)[batch.mask_BT]).exp()
        assert 0.1 < float(((ratio_N < 0.8) | (ratio_N > 1.2)).float().mean()) < 0.9


def own_logprobs(batch: TokenBatch) -> Tensor:
    return Learner(build_model(seed=1), temperature=TEMPERATURE).logprobs(batch)


def test_dapo_leaves_constant_groups_out_of_the_denominator_where_trl_counts_their_tokens(
    batch: TokenBatch, start: Path
) -> None:
    trainer, inputs = grpo(batch, start, loss_type="dapo", epsilon_high=0.28)
    its = backward(trainer, trainer._compute_loss(trainer.model, inputs))
    own = ours(batch, ALGORITHMS["dapo"].configured({"overlong_share": 0.0, "old_logprobs": "sampler"}))
    assert own.metrics["dropped"] == GROUP
    own.gradient_agrees_with(its, scale=sum(LENGTHS) / sum(LENGTHS[: 2 * GROUP]))


def test_the_overlong_penalty_is_trl_s_reward_function(batch: TokenBatch, start: Path) -> None:
    from trl.rewards import get_soft_overlong_punishment

    def returns(completions: list[Any], **kwargs: Any) -> list[float]:
        return batch.returns_B.tolist()

    overlong = get_soft_overlong_punishment(max_completion_len=LIMIT, soft_punish_cache=LIMIT // 2)
    trainer, inputs = grpo(batch, start, loss_type="dapo", epsilon_high=0.28, reward_funcs=[returns, overlong])
    its = backward(trainer, trainer._compute_loss(trainer.model, inputs))
    # TRL has no dynamic sampling; ours would drop the group that was constant before the price
    options = {"overlong_share": 0.5, "constant_groups": "keep", "old_logprobs": "sampler"}
    ours(batch, ALGORITHMS["dapo"].configured(options)).agrees_with(its)


@pytest.mark.parametrize("kl_coef", [0.0, 0.05])
def test_rloo_is_trl_s(kl_coef: float, batch: TokenBatch, start: Path) -> None:
    """The gradient only: TRL's loss is -mean(ratio A) with ratio 1, ours -mean(A log pi); their gradients are the same."""
    from trl import RLOOConfig, RLOOTrainer

    config = settings(
        RLOOConfig, start, num_generations=GROUP, max_completion_length=LIMIT, temperature=TEMPERATURE, beta=kl_coef
    )
    trainer = online_trainer(RLOOTrainer, config, start, batch)
    trainer._generate_single_turn = lambda *_: [row["completion_ids"] for row in rows_of(batch)]
    inputs = trainer._generate_and_score_completions([{"prompt": prompt} for prompt in PROMPTS for _ in range(GROUP)])
    its = backward(trainer, trainer._compute_loss(trainer.model, inputs))
    # TRL takes the KL at the trainer's own log-probabilities
    exact = TokenBatch(**{name: getattr(batch, name) for name in batch.__slots__} | {"logprobs_BT": own_logprobs(batch)})
    algorithm = ALGORITHMS["rloo"].configured({"kl_coef": kl_coef, "kl_in": "reward", "kl_estimator": "k1"})
    ours(exact, algorithm).gradient_agrees_with(its)


def test_sft_is_trl_s(batch: TokenBatch, start: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = rows_of(batch)
    data = [
        {
            "input_ids": row["prompt_ids"] + row["completion_ids"],
            "labels": [-100] * len(row["prompt_ids"]) + row["completion_ids"],
        }
        for row in rows
    ]
    config = settings(SFTConfig, start, dataset_kwargs={"skip_prepare_dataset": True})
    model = LlamaForCausalLM.from_pretrained(start)
    trainer = SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(data), processing_class=build_tokenizer())
    inputs = ready(trainer).data_collator(data)
    its = backward(trainer, trainer.compute_loss(trainer.model, inputs))
    ours(batch, ALGORITHMS["sft"], temperature=1.0).agrees_with(its)


def test_dpo_is_trl_s(batch: TokenBatch, start: Path) -> None:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    rows = rows_of(batch)
    # the best of a group with its worst, the second best with the second worst; equals are no pair
    couples = [(0, 1), (3, 2), (5, 4)]
    data = [
        {
            "prompt_ids": rows[win]["prompt_ids"],
            "chosen_ids": rows[win]["completion_ids"],
            "rejected_ids": rows[lose]["completion_ids"],
        }
        for win, lose in couples
    ]
    texts = Dataset.from_list([{"prompt": "a", "chosen": "b", "rejected": "c"}])
    model, reference = (LlamaForCausalLM.from_pretrained(start) for _ in range(2))
    trainer = DPOTrainer(
        model=model,
        ref_model=reference,
        args=settings(DPOConfig, start, beta=0.1),
        train_dataset=texts,
        processing_class=build_tokenizer(),
    )
    inputs = ready(trainer).data_collator(data)
    its = backward(trainer, trainer.compute_loss(trainer.model, inputs))
    ours(batch, ALGORITHMS["dpo"], temperature=1.0).agrees_with(its)
