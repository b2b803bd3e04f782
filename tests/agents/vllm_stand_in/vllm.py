"""Stands in for vLLM where the process around it is tested: seeds become tokens, weights become log-probabilities.

A file in the folder that STAND_IN names makes it misbehave: `die` once, `die_always`, `hang`, `fail`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

from safetensors.numpy import load_file

__version__ = "0.stand-in"
ORDERS = Path(os.environ["STAND_IN"])
FORBIDDEN = {"agents", "transformers", "peft", "gymnasium", "selfplay_envs"} & {name.partition(".")[0] for name in sys.modules}


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
            self.weights = sum_of(kwargs["weights_path"], "model.safetensors")

    def reset_prefix_cache(self) -> bool:
        return True

    def sleep(self, level: int) -> None:
        (ORDERS / "slept").touch()

    def wake_up(self) -> None:
        (ORDERS / "slept").unlink()


platforms = SimpleNamespace(current_platform=SimpleNamespace(device_type="nothing"))
for name in ("vllm.lora", "vllm.lora.request"):
    sys.modules[name] = ModuleType(name)
sys.modules["vllm.lora.request"].LoRARequest = LoRARequest  # type: ignore[attr-defined]
