"""Stands in for vLLM where the process around it is tested: seeds become tokens, weights become log-probabilities.

A file in the folder that STAND_IN names makes it misbehave: `die` once, `die_always`, `hang`, `fail`, `insomnia`; with
`measure_on` it goes on measuring the device as it starts. What it does with memory is written to the file `events`; of its
share of the device a quarter is weights, the rest keys and values.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from safetensors.numpy import load_file

__version__ = "0.stand-in"
ORDERS = Path(os.environ["STAND_IN"])
FORBIDDEN = {"agents", "transformers", "peft", "gymnasium", "selfplay_envs"} & {name.partition(".")[0] for name in sys.modules}


GIB = 2**30


def note(event: str) -> None:
    with (ORDERS / "events").open("a") as file:
        file.write(f"{event}\n")


def sum_of(folder: str, file: str) -> float:
    return float(sum(array.sum(dtype="float64") for array in load_file(Path(folder) / file).values()))


class SamplingParams(SimpleNamespace):
    pass


class LoRARequest:
    def __init__(self, name: str, number: int, folder: str) -> None:
        self.name, self.number, self.folder = name, number, folder


class LLM:
    def __init__(self, **settings: object) -> None:
        assert not FORBIDDEN, f"the engine imported {FORBIDDEN}"
        if (ORDERS / "refuse").exists():
            raise ValueError("no room for the cache")
        (ORDERS / "settings").write_text(repr(settings))
        (ORDERS / "environment").write_text(repr(dict(os.environ)))
        self.share = float(str(settings["gpu_memory_utilization"]))
        self.take_share()
        self.weights = sum_of(str(settings["model"]), "model.safetensors")
        self.loras: dict[int, float] = {}
        self.queue: list[tuple[dict[str, list[int]], SamplingParams, LoRARequest | None]] = []
        self.llm_engine = self
        self.vllm_config = SimpleNamespace(model_config=SimpleNamespace(enable_sleep_mode=settings["enable_sleep_mode"]))

    def enqueue(
        self,
        prompts: list[dict[str, list[int]]],
        params: list[SamplingParams],
        lora_request: LoRARequest | None,
        use_tqdm: bool,
    ) -> None:
        self.queue = [(prompt, one, lora_request) for prompt, one in zip(prompts, params, strict=True)]

    def has_unfinished_requests(self) -> bool:
        return bool(self.queue)

    def step(self) -> list[SimpleNamespace]:
        for order in ("die", "die_always"):
            if (ORDERS / order).exists():
                (ORDERS / "die").unlink(missing_ok=True)
                os.kill(os.getpid(), signal.SIGKILL)
        if (ORDERS / "hang").exists():
            note("hang")
            time.sleep(1000)
        if (ORDERS / "fail").exists():
            raise RuntimeError("CUDA error: unspecified launch failure\nsecond line")
        queue, self.queue = self.queue, []
        return [self.answer(str(index), *item) for index, item in reversed(list(enumerate(queue)))]

    def answer(
        self, number: str, prompt: dict[str, list[int]], params: SamplingParams, lora: LoRARequest | None
    ) -> SimpleNamespace:
        logprob = self.weights if lora is None else self.loras[lora.number]
        tokens = [4 + (params.seed + i) % 20 for i in range(params.max_tokens)]
        if params.seed % 2:
            tokens[-1] = params.stop_token_ids[0]
        reply = SimpleNamespace(token_ids=tokens, logprobs=SimpleNamespace(logprobs=[logprob] * len(tokens)))
        return SimpleNamespace(request_id=number, outputs=[reply], num_cached_tokens=0, finished=True)

    def add_lora(self, lora: LoRARequest) -> None:
        self.loras[lora.number] = sum_of(lora.folder, "adapter_model.safetensors")

    def remove_lora(self, number: int) -> None:
        del self.loras[number]

    def collective_rpc(self, method: object, kwargs: dict[str, str] | None = None) -> None:
        if method == "reload_weights":
            assert kwargs is not None
            note("read")
            self.weights = sum_of(kwargs["weights_path"], "model.safetensors")

    def reset_prefix_cache(self) -> bool:
        return True

    def take_share(self) -> None:
        """As vLLM measures while it starts: its share has to be free, and nobody may free memory meanwhile."""
        free, total = torch.get_memory_info()
        if free < self.share * total:
            raise ValueError(
                f"Free memory on device cuda:0 ({free / GIB:.2f}/{total / GIB:.2f} GiB) on startup is less than desired GPU "
                f"memory utilization ({self.share}, {self.share * total / GIB:.2f} GiB). Decrease it.\nsecond line"
            )
        note("start")
        while (ORDERS / "measure_on").exists():
            time.sleep(0.01)
        assert torch.get_memory_info()[0] <= free, "Error in memory profiling."
        self.parts = {"weights": int(self.share * total) // 4, "kv_cache": int(self.share * total) * 3 // 4}
        torch.taken.update(self.parts)
        note("started")

    def sleep(self, level: int) -> None:
        if (ORDERS / "insomnia").exists():
            raise RuntimeError("CUDA error: out of memory")  # of the host, for pinned memory
        note(f"sleep {level}")
        torch.taken.clear()
        if level == 2:
            self.weights = float("nan")

    def wake_up(self, tags: list[str]) -> None:
        note(f"wake {' '.join(tags)}")
        for tag in tags:
            if torch.get_memory_info()[0] < self.parts[tag]:
                raise RuntimeError("CUDA Error: out of memory at /workspace/csrc/cumem_allocator.cpp:119")
            torch.taken[tag] = self.parts[tag]


platforms = SimpleNamespace(current_platform=SimpleNamespace(device_type="nothing"))
for name in ("vllm.lora", "vllm.lora.request"):
    sys.modules[name] = ModuleType(name)
sys.modules["vllm.lora.request"].LoRARequest = LoRARequest  # type: ignore[attr-defined]
