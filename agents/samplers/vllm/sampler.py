"""The sampler on vLLM: token ids go to an engine in a process of its own, token ids and log-probabilities come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Reply

from ...config.sampler import check_engine
from ...config.sampling import Sampling
from ...models.adapters import check_adapter
from ...models.chat import Prompt, end_ids
from ...models.notices import notice
from ...models.weights import Weights
from ..adapter_view import AdapterView
from ..deprecated import DeprecatedNames
from ..replies import ReplyMaker, check_seeds, ids_of_prompts
from ..stats import SamplerStats
from .engine import Completion, Request
from .memory_share import SHARE, SHARE_WITH_SLEEP
from .process import find_interpreter
from .supervisor import EngineSupervisor

COLDEST = 0.01
"""vLLM raises temperatures above 0 to this one."""


class VllmSampler(DeprecatedNames):
    """Decodes with vLLM, which loads new weights from files: of LoRA adapters alone where the model has them.

    A reply is a function of (weights, prompt, seed) as far as vLLM's arithmetic depends on nothing else; on a CPU the same call
    gives the same bits. Each reply is a request with its own seed (requests of several replies would number their seeds), and
    equal prompts are computed once all the same, by vLLM's prefix cache.

    The engine is started by the first call. If it dies it is started again with the weights loaded last, after the update
    that is under way, and the call is repeated. Nothing of it is left when this process ends, however it ends.

    Main memory holds the files of the weights, where `/dev/shm` has room for three times as much, and of a model with adapters
    the weights once more, pinned, once it has slept.

    Args:
        model: Whose weights it samples with until others are loaded.
        tokenizer: Of that model, with a chat template.
        dtype: Of the engine's weights and arithmetic; `auto`: the model's own.
        python: Interpreter that has vLLM; empty: this one.
        max_rows: Replies in flight.
        max_model_len: Tokens of prompt and reply at most; 0: the model's context.
        gpu_memory_utilization: Share of a GPU's memory that it takes while awake; 0: 0.7 with `sleep`, 0.4 without; see
            `agents.samplers.vllm.memory_share`.
        kv_cache_gib: Memory for keys and values; 0: what is left of that share, and 2 GiB on a CPU.
        sleep: `release_memory` gives the memory of a GPU to the learner; a CPU has none to give. Not with `staleness=1`.
        eager: No CUDA graphs: a faster start, slower replies; on a CPU always.
        hang_s: Seconds without a heartbeat after which the engine is taken for dead.
        restarts: How often one call starts a dead engine again.

    Raises:
        ModelUnavailable: vLLM is not installed.
        ValueError: An option is wrong.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        dtype: str = "auto",
        python: str = "",
        max_rows: int = 512,
        max_model_len: int = 0,
        gpu_memory_utilization: float = 0.0,
        kv_cache_gib: float = 0.0,
        sleep: bool = False,
        eager: bool = False,
        hang_s: float = 300.0,
        restarts: int = 2,
    ) -> None:
        sizes = {"max_rows": max_rows, "max_model_len": max_model_len, "kv_cache_gib": kv_cache_gib, "restarts": restarts}
        check_engine({"dtype": dtype, "hang_s": hang_s, "gpu_memory_utilization": gpu_memory_utilization, **sizes})
        python = find_interpreter(python)
        self.tokenizer = tokenizer
        self.stats = SamplerStats()
        self.ends = end_ids(model, tokenizer)
        """Token ids that end a reply."""
        longest = getattr(model.config, "max_position_embeddings", None) or 1 << 30
        self.context: int = min(longest, max_model_len or longest)
        self.dtype: torch.dtype = model.dtype if dtype == "auto" else getattr(torch, dtype)
        """Of the engine's weights and arithmetic."""
        settings: dict[str, Any] = {
            "dtype": str(self.dtype).removeprefix("torch."),
            "max_num_seqs": max_rows,
            "max_model_len": self.context if self.context < 1 << 30 else None,
            "gpu_memory_utilization": gpu_memory_utilization or (SHARE_WITH_SLEEP if sleep else SHARE),
            "kv_cache_memory_bytes": int(kv_cache_gib * 2**30) or None,
            "enable_sleep_mode": sleep,
            "enforce_eager": eager,
            "generation_config": "vllm",
        }
        self._sleeps = sleep
        self.supervisor = EngineSupervisor(
            model,
            dtype=self.dtype,
            python=python,
            settings=settings,
            hang_s=hang_s,
            restarts=restarts,
            stats=self.stats,
        )
        """Starts the engine, and starts it again."""

    @property
    def policy_version(self) -> int:
        """Of the engine's weights."""
        return self.supervisor.version

    @policy_version.setter
    def policy_version(self, version: int) -> None:
        self.supervisor.version = version

    @property
    def engine_pid(self) -> int | None:
        """Process number of the engine; None where none is running."""
        return self.supervisor.pid

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed, with the shared adapter, or the first, where there are some.

        Raises:
            PromptTooLong: A prompt leaves no room for a token.
            ValueError: `seeds` is not one sequence per prompt, or vLLM cannot sample so.
            EngineDied: The engine cannot be kept alive.
        """
        return self._generate_with("", prompts, sampling, seeds)

    def with_adapter(self, adapter: str) -> AdapterView:
        """A view that answers with that adapter; shares engine, version and totals.

        Raises:
            ValueError: The model has no such adapter.
        """
        check_adapter(adapter, self.supervisor.adapters)
        return AdapterView(self, adapter, self._generate_with)

    def load_weights(self, weights: Weights) -> None:
        """Takes over the weights, those below adapters only where they are others, and stamps later replies with the version.

        Raises:
            EngineDied: The engine refuses these weights.
        """
        self.supervisor.load_weights(weights)

    def release_memory(self) -> None:
        """With `sleep`, gives the GPU's memory back until the next call, before the learner updates."""
        if self._sleeps and (reason := self.supervisor.release_memory()):
            sentence = f"{reason}; it is ended and started anew at every update: free main memory, or leave sleep out."
            notice(self.tokenizer, "sleep", sentence)

    def close(self) -> None:
        """Ends the engine, also in the middle of a call, and removes its files."""
        self.supervisor.close()

    def _generate_with(
        self, adapter: str, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        check_seeds(prompts, seeds)
        if 0 < sampling.temperature < COLDEST:
            raise ValueError(
                f"Sampling.temperature={sampling.temperature!r} is below {COLDEST}, the lowest of vLLM; use that, or 0."
            )
        ids_of = ids_of_prompts(self.tokenizer, prompts, self.context)
        requests: list[Request] = [
            (ids, seed, min(sampling.max_new_tokens, self.context - len(ids)))
            for ids, prompt_seeds in zip(map(ids_of.__getitem__, prompts), seeds, strict=True)
            for seed in prompt_seeds
        ]
        if not requests:
            return [[] for _ in prompts]
        completions, version = self.supervisor.generate(
            adapter,
            requests=requests,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            ends=sorted(self.ends),
        )
        maker, greedy = ReplyMaker(self.tokenizer, self.ends, version), sampling.temperature == 0
        replies = iter(
            [
                maker.reply(ids, token_ids, (0.0,) * len(logprobs) if greedy else logprobs)
                for (ids, _, _), (token_ids, logprobs, _) in zip(requests, completions, strict=True)
            ]
        )
        self._count(requests, completions)
        return [[next(replies) for _ in prompt_seeds] for prompt_seeds in seeds]

    def _count(self, requests: Sequence[Request], completions: Sequence[Completion]) -> None:
        """Nothing is padded; a prompt that was in the cache before the call counts as computed once all the same."""
        once = sum(len(ids) for ids in {ids for ids, _, _ in requests})
        computed = sum(len(ids) - cached for (ids, _, _), (_, _, cached) in zip(requests, completions, strict=True))
        sampled = sum(len(token_ids) for token_ids, _, _ in completions)
        self.stats.add(prompt_tokens=once, prompt_slots=max(once, computed), reread_tokens=max(0, computed - once))
        self.stats.add(reply_tokens=sampled, reply_slots=sampled)
