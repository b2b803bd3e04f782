"""The learner's memory as planned, beside what real learners of small models take on this processor."""

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from agents.algorithms.table import find_algorithm
from agents.config.learner import LearnerConfig
from agents.kernels.packed_attention import Segments, Span, use_packed_attention
from agents.kernels.token_logprobs import ACCELERATOR_CHUNK_ELEMENTS, CHUNK_ELEMENTS
from agents.learner.learner import Learner
from agents.memory_plan.learner import CONTEXT_BYTES, LearnerLoad, Packing, kept_per_token, plan_learner, plan_packed
from agents.memory_plan.shapes import PUBLISHED, shape_of
from tests.helpers.even_batches import LENGTHS, ROWS, VOCABULARY, replies

PRECISIONS = ("float32", "bfloat16")
RANKS = (0, 8)


def make(kind: str = "qwen3", *, layers: int = 3, width: int = 128, mlp_width: int = 384) -> PreTrainedModel:
    config = AutoConfig.for_model(
        kind,
        hidden_size=width,
        intermediate_size=mlp_width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        vocab_size=VOCABULARY,
        max_position_embeddings=2_048,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(config).float()


def load_of(learner: Learner) -> LearnerLoad:
    return LearnerLoad(
        shape=shape_of(learner.model.config),
        config=learner.config,
        longest=1,
        accelerator=False,
        head_elements=CHUNK_ELEMENTS,
    )


@pytest.mark.parametrize("lora_rank", RANKS)
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_weights_masters_and_adam_are_exact(dtype: Any, lora_rank: int):
    learner = Learner(make(), LearnerConfig(dtype=dtype, lora_rank=lora_rank))
    learner.update(replies(packed=False, steps=1), find_algorithm("reinforce++"))
    memory = plan_learner(load_of(learner))
    sizes = {name: p.nbytes for name, p in learner.model.named_parameters()}
    adapters = sum(size for name, size in sizes.items() if ".lora_" in name)
    assert (memory.weights, memory.adapters) == (sum(sizes.values()) - adapters, adapters)
    there = {p.data_ptr() for p in learner.model.parameters()}
    assert memory.masters == sum(p.nbytes for p in learner.trainable.values() if p.data_ptr() not in there)
    state = learner.optimizer.state.values()
    assert memory.adam == sum(one["exp_avg"].nbytes + one["exp_avg_sq"].nbytes for one in state)
    assert memory.gradients == sum(4 * p.numel() for p in learner.trainable.values())
    assert memory.resident == CONTEXT_BYTES + memory.weights + memory.adapters + memory.masters + memory.adam


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("lora_rank", RANKS)
@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("kind", ["qwen3", "llama"])
def test_what_autograd_keeps_of_a_layer_is_counted_to_the_byte(kind: str, dtype: Any, lora_rank: int, packed: bool):
    kept: list[int] = []
    for layers in (1, 2):
        learner = Learner(make(kind, layers=layers), LearnerConfig(dtype=dtype, lora_rank=lora_rank))
        kept.append(bytes_kept(learner.model, packed=packed))
    packing = Packing.of_lengths(24, 3, 8) if packed else Packing(packed=False)
    assert kept[1] - kept[0] == pytest.approx(48 * kept_per_token(load_of(learner), packing), abs=0.01)


def bytes_kept(model: Any, *, packed: bool) -> int:
    """Of all tensors, each once, that the forward pass keeps for the backward pass, but for weights and buffers."""
    of_model = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept_tensors: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in of_model:
            kept_tensors[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    inputs: dict[str, Any] = {"input_ids": torch.arange(48)[None], "use_cache": False}
    if packed:  # as `agents.models.forward` has it: a prompt of 24 tokens and three replies of 8
        use_packed_attention(model.get_base_model() if hasattr(model, "peft_config") else model)
        spans = [Span(0, 24), *(Span(start, 8, 0, 24) for start in (24, 32, 40))]
        none = torch.ones(1, 1, 1, 1, dtype=torch.bool)
        inputs |= {"segments": Segments.of(spans, torch.device("cpu"), torch.float32), "attention_mask": none}
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        end = base.get_decoder()(**inputs).last_hidden_state
    del end
    return sum(tensor.untyped_storage().nbytes() for tensor in kept_tensors.values())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("lora_rank", RANKS)
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_an_update_adds_what_is_planned_within_a_fifth(dtype: Any, lora_rank: int, checkpointing: bool, packed: bool):
    prompt, reply = LENGTHS[packed]
    tokens = prompt + ROWS * reply if packed else ROWS * (prompt + reply)
    config = LearnerConfig(
        dtype=dtype, lora_rank=lora_rank, gradient_checkpointing=checkpointing, micro_batch_tokens=tokens, share_prompts=packed
    )
    learner, algorithm = Learner(make(), config), find_algorithm("reinforce++")
    batch = replies(packed=packed, steps=2)
    learner.update(batch, algorithm)  # Adam's state is made
    assert len(learner.scorer.parts(batch, tokens)) == 2  # from the second on all gradients are there
    load = replace(load_of(learner), head_elements=ROWS * reply * VOCABULARY)  # sampled tokens alone have logits
    packing = Packing.of_lengths(prompt, ROWS, reply) if packed else Packing(packed=False)
    planned = plan_packed(load, packing).update
    assert 0.8 * planned < allocated(lambda: learner.update(batch, algorithm)) < 1.2 * planned


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch sees")
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_an_update_on_a_gpu_adds_what_is_planned_within_a_quarter(packed: bool, checkpointing: bool):
    prompt, reply = LENGTHS[packed]
    tokens = prompt + ROWS * reply if packed else ROWS * (prompt + reply)
    config = LearnerConfig(
        dtype="bfloat16", lora_rank=8, gradient_checkpointing=checkpointing, micro_batch_tokens=tokens, share_prompts=packed
    )
    model: Any = make(layers=4, width=512, mlp_width=1_536)
    learner, algorithm = Learner(model.to("cuda"), config), find_algorithm("reinforce++")
    batch = replies(packed=packed, steps=2)
    learner.update(batch, algorithm)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    learner.update(batch, algorithm)
    load = replace(load_of(learner), accelerator=True, head_elements=ROWS * reply * VOCABULARY)
    packing = Packing.of_lengths(prompt, ROWS, reply) if packed else Packing(packed=False)
    planned = plan_packed(load, packing).update
    assert 0.75 * planned < torch.cuda.max_memory_allocated() - before < 1.25 * planned


def allocated(work: Callable[[], object]) -> int:
    """The most bytes that torch's allocator had given out within `work`, beyond those at its beginning."""
    gc.collect()  # or what tests before this one left would be given back meanwhile, and count as room
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    events: Any = seen.profiler
    changes = sorted((e.start_ns(), e.nbytes()) for e in events.kineto_results.events() if e.name() == "[memory]")
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def test_a_prompt_and_a_reply_of_an_eighth_of_it_are_as_long_as_the_longest_message():
    config = LearnerConfig(micro_batch_tokens=9_000)
    load = LearnerLoad(shape=PUBLISHED["smollm2"], config=config, longest=900, panel=8)
    assert Packing.of(load) == Packing.of_lengths(800, 8, 100)
    # 800 + 8 x 100 positions; each reply gathers 900 keys, and each of its 100 queries has as many numbers in the mask
    assert Packing.of(load) == Packing(packed=True, own=0.5, gathered=4.5, mask=450.0)


def test_the_plan_says_what_saves_memory():
    load = LearnerLoad(
        shape=PUBLISHED["Qwen/Qwen2.5-Coder-1.5B"],
        config=LearnerConfig(dtype="bfloat16", lora_rank=32, micro_batch_tokens=8_192),
        longest=4_096,
    )
    plain = plan_learner(load)
    assert plan_learner(replace(load, config=replace(load.config, gradient_checkpointing=True))).kept == 28 * 8_192 * 1_536 * 2
    assert plan_learner(replace(load, config=replace(load.config, micro_batch_tokens=4_096))).kept == plain.kept / 2
    assert plan_learner(replace(load, longest=16_384)).kept == 2 * plain.kept  # one long message is learned from all the same
    assert plain.mask == plan_learner(replace(load, panel=8, config=replace(load.config, share_prompts=False))).mask == 0
    assert plan_learner(replace(load, panel=8)).kept > plain.kept  # every reply gathers the keys of its prompt
    assert plan_learner(replace(load, copies=1)).resident - plain.resident == 2 * load.shape.weights
    assert plan_learner(replace(load, adapters=2)).adam == 2 * plain.adam
    full = replace(load, config=replace(load.config, lora_rank=0))
    assert plan_learner(full).adam == 8 * load.shape.weights
    assert plan_learner(replace(full, value_head=True)).adam - plan_learner(full).adam == 8 * 1_536
    assert load.head_elements == ACCELERATOR_CHUNK_ELEMENTS
