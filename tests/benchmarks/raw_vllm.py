"""vLLM by itself in a process of its own: `LLM.generate` on token ids that are ready. Part of `tests.benchmarks.rollouts`.

    python -P raw_vllm.py        a line of JSON with settings and requests on stdin, then a line for each run

Answers each run with the number of log-probabilities. It imports nothing of this project but the file of the engine, so that
the interpreter may belong to another virtual environment, as the sampler's may.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any


def main() -> None:
    """Serves runs until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what vLLM prints is no answer
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    spec = importlib.util.spec_from_file_location("vllm_engine", told["engine"])
    assert spec is not None
    assert spec.loader is not None
    engine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engine)
    os.environ.update({name: os.environ.get(name, value) for name, value in engine.ENVIRONMENT.items()})
    llm = engine.open_llm(told["settings"])
    prompts = [{"prompt_token_ids": ids} for ids, _ in told["requests"]]
    full = [engine.sampling_params(1.0, 1.0, (), seed, told["new_tokens"]) for _, seed in told["requests"]]
    lean = [engine.sampling_params(1.0, 1.0, (), None, told["new_tokens"]) for _ in told["requests"]]
    for params in lean:
        params.logprobs = None
    for line in sys.stdin:
        outputs = llm.generate(prompts, lean if line.strip() == "lean" else full, use_tqdm=False)
        found = [output.outputs[0].logprobs for output in outputs]
        print(sum(len(own.logprobs) for own in found if own is not None), file=answers)


if __name__ == "__main__":
    main()
