"""The learner's memory on its device, counted from the sizes of its model, before any of it is loaded.

Weights, masters and Adam's state are exact. What an update adds is an estimate: the tensors that autograd keeps are counted one
by one, what the kernels need meanwhile is not. On a processor, whose allocator can be asked, updates of small models came to
between 0.84 and 1.02 of it at their peaks.

Replies that share a prompt gather its keys and values, each for itself and for all heads, see `kernels.packed_attention`. How
many that are hangs on lengths that no config states; replies an eighth as long as their prompts are assumed.

Legend: T positions of a micro-batch, H width, A heads, K heads of keys and values, D their width, I width of the MLP, V words.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config.learner import LearnerConfig
from .shapes import ModelShape

WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number."""
WIDE = 4
"""Bytes of a number in masters, Adam's state, gradients, norms and logits."""
PROMPT_TOKENS = 1_024
"""Tokens of the longest prompt, where nothing bounds it."""
REPLY_PER_PROMPT = 1 / 8
"""Length of a reply, for the keys and values that replies which share a prompt gather."""
CONTEXT_BYTES = 700 << 20
"""Memory of a card that CUDA and its libraries take beside tensors, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerLoad:
    """Sizes and settings that decide the learner's memory."""

    shape: ModelShape
    config: LearnerConfig
    longest: int
    """Tokens of the longest message: one that is longer than a micro-batch is learned from all the same."""
    adapters: int = 1
    """Number of adapters, where there are any."""
    panel: int = 1
    """Replies that share a prompt."""
    copies: int = 0
    """Frozen or lagging copies of the weights: a reference, a sampler's own."""
    value_head: bool = False
    accelerator: bool = True
    """Whether it learns on one: there gradients of word tables go straight to their masters (`embedding_gradients`), and
    keys and values that replies gather are repeated for all heads."""
    head_elements: int = 1 << 27
    """Logits alive at a time; see `agents.kernels.token_logprobs`."""

    @property
    def width(self) -> int:
        """Bytes of a weight."""
        return WIDTHS[self.config.dtype]

    @property
    def adapter_weights(self) -> int:
        """Numbers of all adapters."""
        return self.adapters * self.shape.adapter_weights(self.config.lora_rank)

    @property
    def trained(self) -> int:
        """Numbers that the optimiser changes."""
        head = self.shape.width if self.value_head else 0
        return head + (self.adapter_weights if self.config.lora_rank else self.shape.weights)

    @property
    def tokens(self) -> int:
        """T: positions of the largest micro-batch."""
        return max(self.config.micro_batch_tokens, self.longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerMemory:
    """Bytes. The first five lie there all the time; the others come and go with an update."""

    weights: int
    adapters: int
    masters: int
    adam: int
    """Means of gradients and of their squares."""
    copies: int

    gradients: int
    kept: int
    """Tensors of all layers that the backward pass needs; with gradient checkpointing their inputs."""
    layer: int
    """One layer computed again, with gradient checkpointing, and its backward pass."""
    head: int
    """Logits, a chunk at a time, and the gradient of a word table."""
    mask: int
    """Masks of replies that share a prompt."""

    @property
    def resident(self) -> int:
        """Memory that stays, once torch's cache is emptied."""
        return CONTEXT_BYTES + self.weights + self.adapters + self.masters + self.adam + self.copies

    @property
    def update(self) -> int:
        """Memory that an update adds: the head comes before the first layer, so that they never need theirs at once."""
        return self.gradients + self.kept + self.mask + max(self.layer, self.head)

    @property
    def peak(self) -> int:
        """In the middle of an update."""
        return self.resident + self.update


def plan_learner(load: LearnerLoad) -> LearnerMemory:
    """The learner's memory, with all gradients there, as they are from the second micro-batch on."""
    return plan_packed(load, Packing.of(load))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """Attention over a micro-batch, each number a mean over its positions."""

    packed: bool
    """Whether prompts are shared; else messages are padded, and the rest is of no account."""
    own: float = 1.0
    """Positions that see no prompt but that which they stand in."""
    gathered: float = 0.0
    """Keys that the others gather: of their prompts, and their own."""
    mask: float = 0.0
    """Numbers of the masks."""

    @classmethod
    def of(cls, load: LearnerLoad) -> Packing:
        """Assumed of a run, whose prompts are as long as its longest message allows."""
        if load.panel == 1 or not load.config.share_prompts:
            return cls(packed=load.config.share_prompts)
        prompt = load.longest / (1 + REPLY_PER_PROMPT)
        return cls.of_lengths(prompt, load.panel, prompt * REPLY_PER_PROMPT)

    @classmethod
    def of_lengths(cls, prompt: float, panel: int, reply: float) -> Packing:
        """The packing of prompts and replies of so many tokens."""
        tokens, keys = prompt + panel * reply, panel * (prompt + reply)
        return cls(packed=True, own=prompt / tokens, gathered=keys / tokens, mask=reply * keys / tokens)


def plan_packed(load: LearnerLoad, packing: Packing) -> LearnerMemory:
    """The plan of `plan_learner`, where it is known how messages share their prompts."""
    shape, config, width = load.shape, load.config, load.width
    full = not config.lora_rank
    table = shape.table if full and not load.accelerator else 0
    tokens = load.tokens
    inputs = shape.layers * tokens * shape.width * width
    one_layer = int(tokens * kept_per_token(load, packing))
    end = tokens * (WIDE * (shape.width + 1) + 3 * width * shape.width)  # the last norm, what it gives, and whose logits
    mlp = width * 2 * shape.mlp_width  # gradients of the MLP's states, and once these are gone, of keys and values
    attention = width * (2 * _gathered_width(load) * packing.gathered - 4 * shape.mlp_width)
    working = int(tokens * (max(mlp, attention) + width * shape.width)) + table * width
    elements = min(load.head_elements, tokens * shape.vocabulary)
    return LearnerMemory(
        weights=shape.weights * width,
        adapters=0 if full else load.adapter_weights * width,
        masters=load.trained * WIDE if width < WIDE else 0,
        adam=2 * WIDE * load.trained,
        copies=load.copies * shape.weights * width,
        gradients=WIDE * load.trained,
        kept=inputs if config.gradient_checkpointing else shape.layers * one_layer,
        layer=working + (one_layer if config.gradient_checkpointing else 0),
        head=end + elements * (3 * WIDE + (width if width < WIDE else 0)) + table * (WIDE + width),
        mask=int(tokens * packing.mask * width),
    )


def kept_per_token(load: LearnerLoad, packing: Packing) -> float:
    """Bytes that autograd keeps of one layer per position: every tensor once; norms compute in float32."""
    shape, width = load.shape, load.width
    full = not load.config.lora_rank
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    normed = 2 * shape.width + (queries + keys if shape.head_norms else 0)
    norms = WIDE * (normed + 2 + (shape.heads + shape.kv_heads if shape.head_norms else 0)) + (width * normed if full else 0)
    inputs = width * (2 * shape.width + shape.mlp_width)
    low_rank = width * load.config.lora_rank * len(shape.linears)
    # queries, what attention gives, and that once more where it is put in order again
    gathered = 2 * _gathered_width(load) * packing.gathered
    states = 3 * queries + 2 * keys * packing.own + gathered if packing.packed else 2 * (queries + keys)
    return norms + inputs + low_rank + width * (states + 3 * shape.mlp_width) + WIDE * shape.heads


def _gathered_width(load: LearnerLoad) -> int:
    """Numbers of a key that is gathered."""
    return (load.shape.heads if load.accelerator else load.shape.kv_heads) * load.shape.head_width
