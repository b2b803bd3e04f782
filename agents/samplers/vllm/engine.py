"""The process in which vLLM lives: it reads commands from a pipe and answers each. Started by `agents.samplers.vllm.process`.

    python -P engine.py FOLDER        commands on stdin, answers on stdout; what vLLM prints goes to stderr

It stands alone: it imports the standard library, torch and vLLM, nothing of this project, so that the interpreter may belong to
another virtual environment. It works in FOLDER, so that the weights have the same name in every run: vLLM compiles anew for
each name. When it is sent None, or the pipe closes, however that came about, it removes FOLDER and ends.

A command is a pair (name, arguments), named after a method of `Engine`; an answer is ("done", result), ("failed", message),
("missing", message) where there is no vLLM, or ("alive", None) while the engine works.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

HEARTBEAT_S = 1.0
"""Seconds between heartbeats."""
ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process: nothing can be left behind, and the schedule is deterministic
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the learner computes on the same processors
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}
"""Variables of vLLM's environment, where the user has not set them."""

Request = tuple[tuple[int, ...], int, int]
"""Token ids of a prompt, seed, tokens at most."""
Completion = tuple[list[int], list[float], int]
"""Token ids, their log-probabilities, and how many of the prompt's tokens were in the prefix cache."""
Adapter = tuple[str, int, str]
"""Name, number and folder of a LoRA adapter; both name and number are new with every version."""
KEEP, DISCARD = 1, 2
"""Levels of vLLM's sleep: its weights wait in main memory, or are gone and have to be read again."""


class Engine:
    """vLLM behind commands.

    Args:
        alive: Called while the engine works.
    """

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._llm: Any = None
        self._weights = ""
        self._adapters: list[int] = []

    def start(self, settings: dict[str, Any]) -> str:
        """Loads the weights; returns vLLM's version and the kind of device."""
        self._llm, self._weights = open_llm(settings), settings["model"]
        vllm: Any = import_module("vllm")
        return f"vllm {vllm.__version__} on {vllm.platforms.current_platform.device_type}"

    def generate(
        self,
        requests: Sequence[Request],
        temperature: float,
        top_p: float,
        ends: Sequence[int],
        adapter: Adapter | None,
    ) -> list[Completion]:
        """One reply per request, in order."""
        prompts = [{"prompt_token_ids": list(ids)} for ids, _, _ in requests]
        params = [sampling_params(temperature, top_p, ends, seed, limit) for _, seed, limit in requests]
        self._llm.enqueue(prompts, params, lora_request=_lora_request(adapter), use_tqdm=False)
        outputs: list[Any] = []
        engine, last = self._llm.llm_engine, time.monotonic()
        while engine.has_unfinished_requests():  # as LLM.generate does, with heartbeats
            outputs += [output for output in engine.step() if output.finished]
            if time.monotonic() - last > HEARTBEAT_S:
                self._alive()
                last = time.monotonic()
        outputs.sort(key=lambda output: int(output.request_id))
        if len(outputs) != len(requests):
            raise RuntimeError(f"vLLM answered {len(outputs)} of {len(requests)} requests")
        return [_completion(output) for output in outputs]

    def load_adapters(self, adapters: Sequence[Adapter]) -> None:
        """Loads adapters in place of those that were there."""
        for number in self._adapters:
            self._llm.llm_engine.remove_lora(number)
        self._adapters = [number for _, number, _ in adapters]
        for adapter in adapters:
            self._llm.llm_engine.add_lora(_lora_request(adapter))
        self._forget_prompts()

    def load_weights(self) -> None:
        """Reads all weights again, in place, from where they were read first."""
        self._read_weights()
        self._forget_prompts()

    def sleep(self, level: int) -> int | None:
        """Gives the GPU's memory back, until `wake_up`; returns how many bytes, None where vLLM cannot sleep.

        Args:
            level: `KEEP` or `DISCARD`.
        """
        if not self._llm.llm_engine.vllm_config.model_config.enable_sleep_mode:
            return None
        before, _ = self.memory()
        self._llm.sleep(level=level)
        return self.memory()[0] - before

    def wake_up(self, read: bool) -> None:
        """Takes the memory back, for weights and then for keys and values.

        Args:
            read: The weights were discarded: they are read while there is no cache beside them yet.
        """
        self._llm.wake_up(tags=["weights"])
        if read:
            self._read_weights()
        self._llm.wake_up(tags=["kv_cache"])

    def memory(self) -> tuple[int, int]:
        """Bytes of the device: those that are free, and all."""
        return import_module("torch").accelerator.get_memory_info()

    def _read_weights(self) -> None:
        self._llm.collective_rpc("reload_weights", kwargs={"weights_path": self._weights})
        self._llm.collective_rpc(_pack_heads)

    def _forget_prompts(self) -> None:
        """Keys and values of prompts were computed with the old weights."""
        if not self._llm.reset_prefix_cache():
            raise RuntimeError("vLLM kept its prefix cache, which belongs to the old weights")


def open_llm(settings: dict[str, Any]) -> Any:
    """The `LLM` of vLLM for token ids, whose log-probabilities are those of the distribution that is sampled from.

    Args:
        settings: Keywords of `vllm.LLM`; where there is no accelerator some are replaced by what a processor needs.
    """
    import torch

    forced: dict[str, Any] = {"logprobs_mode": "processed_logprobs", "skip_tokenizer_init": True, "enable_prefix_caching": True}
    if not torch.accelerator.is_available():
        os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")  # or the first call waits for a C++ compiler
        forced |= {"enforce_eager": True, "block_size": 32, "enable_sleep_mode": False}
        # vLLM cannot rewind a seeded request's generator on a CPU, so prompts must not be read in pieces
        forced |= {"enable_chunked_prefill": False, "max_num_batched_tokens": max(8192, settings.get("max_model_len") or 0)}
        forced["kv_cache_memory_bytes"] = settings.get("kv_cache_memory_bytes") or 2 << 30
    return import_module("vllm").LLM(**{**settings, **forced})


def sampling_params(temperature: float, top_p: float, ends: Sequence[int], seed: int, limit: int) -> Any:
    """Parameters of one reply; `ends` alone end it early."""
    return import_module("vllm").SamplingParams(
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        max_tokens=limit,
        stop_token_ids=list(ends),
        ignore_eos=True,
        logprobs=0,
        flat_logprobs=True,
        detokenize=False,
    )


def _lora_request(adapter: Adapter | None) -> Any:
    return None if adapter is None else import_module("vllm.lora.request").LoRARequest(*adapter)


def _pack_heads(worker: Any) -> None:
    """On a CPU vLLM multiplies with packed copies of weights, and forgets that of an output layer tied to the embedding."""
    if worker.device.type == "cpu":
        head = import_module("vllm.model_executor.layers.vocab_parallel_embedding").ParallelLMHead
        for layer in worker.get_model().modules():
            if isinstance(layer, head):
                layer.quant_method.process_weights_after_loading(layer)


def _completion(output: Any) -> Completion:
    [reply] = output.outputs
    return list(reply.token_ids), list(reply.logprobs.logprobs), output.num_cached_tokens or 0


def _listen(commands: Connection, inbox: SimpleQueue[tuple[str, dict[str, Any]]], folder: str) -> None:
    """Puts commands into the inbox; ends the process when the other side is gone, even in the middle of a command."""
    parent = os.getppid()
    try:
        while os.getppid() == parent:  # a fork of the parent may still hold the pipe open
            if commands.poll(HEARTBEAT_S):
                command = commands.recv()
                if command is None:
                    break
                inbox.put(command)
    except (EOFError, OSError):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # this process and whatever vLLM started
    os._exit(0)


def main(folder: str) -> None:
    """Answers commands until the pipe closes."""
    answers = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # nothing that vLLM prints may be taken for an answer
    inbox: SimpleQueue[tuple[str, dict[str, Any]]] = SimpleQueue()
    threading.Thread(target=_listen, args=(Connection(os.dup(0), writable=False), inbox, folder), daemon=True).start()
    os.environ.update({name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()})
    os.chdir(folder)

    def send(kind: str, value: Any = None) -> None:
        try:
            answers.send((kind, value))
        except OSError:  # nobody reads it: the listener is about to end this process
            threading.Event().wait()

    engine = Engine(lambda: send("alive"))
    while True:
        name, arguments = inbox.get()
        try:
            result = getattr(engine, name)(**arguments)
        except Exception as error:  # the message is sent, the trace stays in the log
            traceback.print_exc()
            absent = isinstance(error, ModuleNotFoundError) and error.name in ("vllm", "torch")
            send("missing" if absent else "failed", f"{type(error).__name__}: {str(error).strip()}")
        else:
            send("done", result)


if __name__ == "__main__":
    main(sys.argv[1])
