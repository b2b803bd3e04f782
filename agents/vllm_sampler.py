"""The sampler on vLLM: token ids go to an engine in a process of its own, token ids and log-probabilities come back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Reply

from .adapter_view import AdapterView
from .adapters import BASE, SHARED, adapter_names, has_adapters, speaking_as
from .chat import Prompt, end_ids, render_prompt
from .engine_share import SHARE, SHARE_OF_A_SLEEPER
from .notices import notice
from .sampler_text import check_engine
from .sampling import Sampling
from .vllm_engine import Adapter, Spoken
from .vllm_keeper import EngineKeeper
from .vllm_process import find_interpreter

COLDEST = 0.01
"""vLLM raises temperatures above 0 to this one."""


class VllmSampler:
    """Decodes with vLLM, which takes over new weights as files: of LoRA adapters alone where the model has them.

    A reply is a function of (weights, prompt, seed) as far as vLLM's arithmetic depends on nothing else; on a CPU the same call
    gives the same bits. Each reply is a request with its own seed (requests of several replies would number their seeds), and
    equal prompts are computed once all the same, by vLLM's prefix cache.

    The engine is started by the first call. If it dies it is started again with the weights received last, after the update
    that is under way, and the call is repeated. Nothing of it is left when this process ends, however it ends.

    Main memory holds the files of the weights, where `/dev/shm` has room for three times as much, and of a model with adapters
    the weights once more, pinned, once it has slept.

    Args:
        model: Whose weights speak until others are received.
        tokenizer: Of that model, with a chat template.
        dtype: Of the engine's weights and arithmetic; `auto`: the model's own.
        python: Interpreter that has vLLM; empty: this one.
        max_rows: Replies in flight.
        max_model_len: Tokens of prompt and reply at most; 0: the model's context.
        gpu_memory_utilization: Share of a GPU's memory that it takes while awake; 0: 0.7 with `sleep`, 0.4 without; see
            `agents.engine_share`.
        kv_cache_gib: Memory for keys and values; 0: what is left of that share, and 2 GiB on a CPU.
        sleep: `rest` gives the memory of a GPU to the learner; a CPU has none to give. Not with `staleness=1`.
        eager: No CUDA graphs: a faster start, slower replies; on a CPU always.
        hang_s: Seconds without a sign of life after which the engine is taken for dead.
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
        self.policy_version = 0
        self.counts: Counter[str] = Counter()
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
            "gpu_memory_utilization": gpu_memory_utilization or (SHARE_OF_A_SLEEPER if sleep else SHARE),
            "kv_cache_memory_bytes": int(kv_cache_gib * 2**30) or None,
            "enable_sleep_mode": sleep,
            "enforce_eager": eager,
            "generation_config": "vllm",
        }
        self._sleeps = sleep
        self.keeper = EngineKeeper(
            model,
            dtype=self.dtype,
            python=python,
            settings=settings,
            hang_s=hang_s,
            restarts=restarts,
            counts=self.counts,
        )
        """Who starts the engine, and starts it again."""

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed, with the adapter that is active in the model.

        Raises:
            ValueError: A prompt leaves no room for a token, `seeds` is not one sequence per prompt, or vLLM cannot draw so.
            EngineDied: The engine cannot be kept alive.
        """
        names = adapter_names(self.keeper.model)
        return self.act_as(SHARED if SHARED in names or not names else names[0], prompts, sampling, seeds)

    def act_as(
        self, adapter: str, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        """As `act`, with that adapter."""
        if len(seeds) != len(prompts):
            raise ValueError(
                f"seeds has {len(seeds)} entries for {len(prompts)} prompts; give one sequence of seeds per prompt."
            )
        if 0 < sampling.temperature < COLDEST:
            raise ValueError(
                f"Sampling.temperature={sampling.temperature!r} is below {COLDEST}, the lowest of vLLM; use that, or 0."
            )
        started = time.perf_counter()
        ids_of = {prompt: self._checked(tuple(render_prompt(self.tokenizer, prompt))) for prompt in dict.fromkeys(prompts)}
        requests = [
            (ids, seed, min(sampling.max_new_tokens, self.context - len(ids)))
            for ids, own in zip(map(ids_of.__getitem__, prompts), seeds, strict=True)
            for seed in own
        ]
        if not requests:
            return [[] for _ in prompts]
        with self.keeper.lock:
            spoken: list[Spoken] = self.keeper.ask(
                "generate",
                requests=requests,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                ends=sorted(self.ends),
                adapter=self._voice(adapter),
            )
            version = self.policy_version
        greedy = sampling.temperature == 0
        replies = iter([self._reply(ids, one, greedy, version) for (ids, _, _), one in zip(requests, spoken, strict=True)])
        found = [[next(replies) for _ in own] for own in seeds]
        self._count({ids for ids, _, _ in requests}, requests, spoken, time.perf_counter() - started)
        return found

    def speaking_as(self, adapter: str) -> AdapterView:
        """A view that answers with that adapter; shares engine, version and counts.

        Raises:
            ValueError: The model has no such adapter.
        """
        with speaking_as(self.keeper.model, adapter):
            return AdapterView(self, adapter)

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """Takes over the weights of `model`, or of its adapters where it has some, and stamps later replies with `version`.

        Raises:
            EngineDied: The engine refuses these weights.
        """
        with self.keeper.lock:
            self.keeper.receive(model)
            self.policy_version = version

    def rest(self) -> None:
        """With `sleep`, gives the GPU's memory back until the next call, before the learner updates."""
        if self._sleeps and (reason := self.keeper.sleep()):
            sentence = f"{reason}; it is ended and started anew at every update: free main memory, or leave sleep out."
            notice(self.tokenizer, "sleep", sentence)

    def close(self) -> None:
        """Ends the engine, also in the middle of a call, and removes its files."""
        self.keeper.close()

    @property
    def engine_pid(self) -> int | None:
        """Process number of the engine; None where none is running."""
        return self.keeper.pid

    def _voice(self, adapter: str) -> Adapter | None:
        """The files of an adapter; None for weights without."""
        with speaking_as(self.keeper.model, adapter):  # refuses unknown names
            plain = adapter == BASE or not has_adapters(self.keeper.model)
        return None if plain else self.keeper.files.adapters[adapter]

    def _reply(self, prompt_ids: tuple[int, ...], spoken: Spoken, greedy: bool, version: int) -> Reply:
        token_ids, logprobs, _ = spoken
        ended = token_ids[-1] in self.ends
        text = self.tokenizer.decode(token_ids[:-1] if ended else token_ids, clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        return Reply(
            text=text,
            finish_reason="stop" if ended else "length",
            prompt_ids=prompt_ids,
            token_ids=tuple(token_ids),
            logprobs=(0.0,) * len(logprobs) if greedy else tuple(logprobs),
            policy_version=version,
        )

    def _checked(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        if not 0 < len(ids) < self.context:
            raise ValueError(
                f"a prompt of {len(ids)} tokens does not fit the model's context of {self.context} with room for a reply; "
                "show fewer references, lower Sampling.max_new_tokens of the proposer, or load a model with a longer context."
            )
        return ids

    def _count(self, distinct: set[tuple[int, ...]], requests: Sequence[Any], spoken: Sequence[Spoken], seconds: float) -> None:
        """Nothing is padded; a prompt that was in the cache before the call counts as computed once all the same."""
        once = sum(map(len, distinct))
        computed = sum(len(ids) - cached for (ids, _, _), (_, _, cached) in zip(requests, spoken, strict=True))
        said = sum(len(token_ids) for token_ids, _, _ in spoken)
        grown = {"prompt_tokens": once, "prompt_slots": max(once, computed), "reread_tokens": max(0, computed - once)}
        self.counts.update({**grown, "reply_tokens": said, "reply_slots": said})
        totals: Any = self.counts  # the one entry that is no whole number
        totals["generate_s"] += seconds
