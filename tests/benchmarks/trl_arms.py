"""One arm of `against_trl`, in a process of its own: reads its order from the command line, prints its numbers as JSON.

`ours` is `agents.Learner.update` on a `TokenBatch`, or sampler, reward and update for the whole step. `trl` is TRL's own
`GRPOTrainer.train`, untouched for the whole step; for the learner alone, its method that generates and scores is replaced by
one that hands out the same tokens, so that batching, loss, backward, clipping and optimiser step are TRL's.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import trl_work
from .trl_work import Gauge, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one process does."""

    arm: str
    """`prepare`, `ours` or `trl`."""
    part: str = "learner"
    """`learner` or `step`."""
    folder: str
    """Holds `batch.pt`, and gradients where they are asked for."""
    steps: int = 2
    """The first is not counted: it allocates the optimiser's state."""
    batch: int = 32
    """TRL's per_device_train_batch_size; the rest of the sequences is accumulated."""
    checkpointing: bool = False
    """TRL's gradient checkpointing."""
    autocast: bool = False
    """bfloat16 for TRL: float32 weights and autocast, instead of bfloat16 weights."""
    gradient: str = ""
    """Where to save the gradient of the first step, unclipped, instead of measuring; a file's name in `folder`."""
    profile: bool = False
    """Add a table of the slowest operations of the last step."""


def prepare(work: Work, order: Order) -> dict[str, Any]:
    """Draws the batch that both learners train on."""
    model, tokenizer = trl_work.open_model(work, "float32")
    batch = trl_work.draw_batch(trl_work.open_sampler(work, model, tokenizer), work, 0)
    trl_work.save_batch(batch, Path(order.folder) / "batch.pt")
    prompt = (batch.attention_BT.sum() - batch.num_tokens) / len(batch)
    return {"tokens": batch.num_tokens, "prompt_tokens": float(prompt)}


def ours(work: Work, order: Order) -> dict[str, Any]:
    """Our learner alone, or our whole step."""
    from agents import ALGORITHMS, Learner
    from tests.helpers.weights import sync

    batch = trl_work.load_batch(Path(order.folder) / "batch.pt")
    model, tokenizer = trl_work.open_model(work, work.dtype)
    trl_work.prompts(work)  # cached: making them belongs to no step, as in TRL's data set
    gauge = Gauge()
    learner = Learner(model, trl_work.learner_config(work, 0.0 if order.gradient else 1.0))
    if order.gradient:
        learner.optimizer.register_step_pre_hook(
            lambda *_: _save_gradient(learner.trainable, Path(order.folder) / order.gradient)
        )
    sampler = trl_work.open_sampler(work, learner.model, tokenizer)
    metrics: dict[str, float] = {}
    generate_s, profile = 0.0, ""
    for step in range(order.steps):
        with _profiled(order.profile and step == order.steps - 1) as found:
            gauge.start()
            if order.part == "step":
                batch = trl_work.draw_batch(sampler, work, step)
                generate_s = time.perf_counter() - gauge.started
            metrics = learner.update(batch, ALGORITHMS[work.algorithm])
            sync(learner, sampler)
            gauge.stop()
        profile = _table(found) if found is not None else profile
    return {**gauge.to_json(), "tokens": batch.num_tokens, "generate_s": generate_s, "profile": profile, "metrics": metrics}


def trl(work: Work, order: Order) -> dict[str, Any]:
    """TRL's learner alone, or its whole step."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOTrainer

    from agents import ALGORITHMS

    batch = trl_work.load_batch(Path(order.folder) / "batch.pt")
    given = _trl_inputs(batch, ALGORITHMS[work.algorithm].advantages(batch))
    weights = "bfloat16" if work.dtype == "bfloat16" and not order.autocast else "float32"
    model, tokenizer = trl_work.open_model(work, weights, plain=True)
    gauge = Gauge()
    seen: dict[str, Any] = {"generate_s": 0.0, "tokens": batch.num_tokens, "profile": ""}

    class Timed(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.profiler = _profiled(order.profile and state.global_step == order.steps - 1)
            self.found = self.profiler.__enter__()
            gauge.start()

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if order.gradient:
                _save_gradient(dict(kwargs["model"].named_parameters()), Path(order.folder) / order.gradient)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            gauge.stop()
            self.profiler.__exit__(None, None, None)
            seen["profile"] = _table(self.found) if self.found is not None else ""

    class GivenTokens(GRPOTrainer):
        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
            if order.part == "learner":
                return dict(given)
            made = super()._generate_and_score_completions(inputs)
            seen["tokens"] = int(made["completion_mask"].sum())
            seen["same_prompts"] = sorted(_real(made)) == sorted(_real(given))
            return made

        def _generate(self, prompts: Any) -> Any:
            since = time.perf_counter()
            try:
                return super()._generate(prompts)
            finally:
                seen["generate_s"] = time.perf_counter() - since

    def reward(completions: list[Any], **kwargs: Any) -> list[float]:
        return [trl_work.trivial_reward(chat[0]["content"]) for chat in completions]

    chats = [[{"role": one.role, "content": one.content} for one in prompt] for prompt in trl_work.prompts(work)]
    trainer = GivenTokens(
        model=model,
        reward_funcs=reward,
        args=_trl_config(work, order),
        train_dataset=Dataset.from_dict({"prompt": chats}),
        processing_class=tokenizer,
        callbacks=[Timed()],
    )
    trainer.train()
    return {**gauge.to_json(), **seen}


def _trl_config(work: Work, order: Order) -> Any:
    """One generation batch and one optimiser step of all sequences; nothing logged, saved or shuffled."""
    from trl import GRPOConfig

    return GRPOConfig(
        output_dir=order.folder,
        use_cpu=True,
        bf16=work.dtype == "bfloat16",
        per_device_train_batch_size=order.batch,
        gradient_accumulation_steps=work.sequences // order.batch,
        gradient_checkpointing=order.checkpointing,
        num_generations=work.group,
        max_completion_length=work.new_tokens,
        generation_kwargs={"min_new_tokens": work.new_tokens} if work.lengths == "full" else None,
        max_steps=order.steps,
        learning_rate=work.lr,
        lr_scheduler_type="constant",
        adam_beta1=0.9,
        adam_beta2=0.95,
        weight_decay=0.0,
        max_grad_norm=0.0 if order.gradient else 1.0,
        beta=0.0,
        num_iterations=1,
        loss_type=work.loss_type,
        shuffle_dataset=False,
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def _trl_inputs(batch: Any, advantage_BT: Any) -> dict[str, Any]:
    """The batch in the form that `GRPOTrainer._generate_and_score_completions` returns: prompts padded left, replies right."""
    import torch
    from trl.trainer.utils import pad

    rows = trl_work.rows_of(batch)
    prompt, reply, logprobs = (list(column) for column in zip(*rows, strict=True))
    ones = torch.ones_like
    return {
        "prompt_ids": pad(prompt, padding_value=0, padding_side="left"),
        "prompt_mask": pad([ones(one) for one in prompt], padding_value=0, padding_side="left"),
        "completion_ids": pad(reply, padding_value=0, padding_side="right"),
        "completion_mask": pad([ones(one) for one in reply], padding_value=0, padding_side="right"),
        "old_per_token_logps": pad(logprobs, padding_value=0.0, padding_side="right"),
        "advantages": torch.stack([advantage_BT[row][batch.mask_BT[row]][0] for row in range(len(batch))]),
        "num_items_in_batch": batch.mask_BT.sum(),
    }


def _real(inputs: dict[str, Any]) -> list[list[int]]:
    return [ids[mask.bool()].tolist() for ids, mask in zip(inputs["prompt_ids"], inputs["prompt_mask"], strict=True)]


def _save_gradient(weights: Mapping[str, Any], path: Path) -> None:
    import torch

    torch.save({name: p.grad.float().clone() for name, p in weights.items() if p.grad is not None}, path)


def _profiled(wanted: bool) -> Any:
    """A profiler of operators, or nothing."""
    import contextlib

    from torch.profiler import ProfilerActivity, profile

    return profile(activities=[ProfilerActivity.CPU], record_shapes=True) if wanted else contextlib.nullcontext()


def _table(found: Any) -> str:
    by_op = found.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=45)
    by_shape = found.key_averages(group_by_input_shape=True)
    return by_op + by_shape.table(
        sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=45, max_shapes_column_width=90
    )


def main() -> None:
    """Reads `{"work": ..., "order": ...}` from the command line."""
    trl_work.quiet()
    warnings.simplefilter("ignore")
    given = json.loads(sys.argv[1])
    work, order = Work(**given["work"]), Order(**given["order"])
    found = {"prepare": prepare, "ours": ours, "trl": trl}[order.arm](work, order)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
