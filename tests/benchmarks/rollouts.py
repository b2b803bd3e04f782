"""How fast are rollouts? Tokens per second of `Sampler.generate`, beside the raw engine on the same prompts.

    python -m tests.benchmarks.rollouts --model tiny
    python -m tests.benchmarks.rollouts --model smollm2 --replies 32 --new-tokens 32
    python -m tests.benchmarks.rollouts --model smollm2 --sampler vllm:dtype=float32,kv_cache_gib=2

Raw transformers is `generate` on token ids that are ready, returning its logits, turned into log-probabilities by one
log-softmax a step; raw vLLM is `LLM.generate` with the sampler's own parameters. `lean` is the same call without
log-probabilities (and, in vLLM, without seeds): a bound and not an alternative, since a learner needs them. Our arm also
renders prompts and decodes texts. Every reply has the same length, since nothing ends it early. Prompts are the tiny model's
held-out problems, all different unless `--attempts` is more than 1. Arms take turns within each run; what counts is the median
of the paired ratios, not the seconds of a busy machine: those are CPU seconds where there is no GPU.
"""

from __future__ import annotations

import copy
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agents.config.sampling import Sampling
from agents.core.errors import ModelUnavailable
from agents.core.seeding import seed_of
from agents.evaluation.tasks import load_tasks
from agents.models.chat import Prompt, render_prompt
from agents.models.loading import load_model
from agents.samplers.base import Sampler
from agents.samplers.registry import open_sampler
from agents.samplers.transformers import TransformersSampler
from agents.samplers.vllm import engine as vllm_engine
from agents.samplers.vllm.sampler import VllmSampler
from selfplay_envs import Match, Start

Arm = Callable[[], int]
"""Generates once; returns how many log-probabilities it came by."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    model: str = "tiny"
    """As `load_model` takes it."""
    style: str = ""
    """Wording of the prompts, `terse` or `full`; empty: terse for the tiny model."""
    sampler: str = "transformers"
    """`transformers` or `vllm`, with options as in `TrainConfig.sampler`."""
    runs: int = 10
    replies: int = 64
    attempts: int = 1
    """Replies to one prompt; the raw engine reads a prompt once for each of them."""
    new_tokens: int = 64
    dtype: str = "float32"
    threads: int = 1
    """Of torch, on a CPU."""
    seed: int = 0
    out: Path | None = None
    """Also write the numbers as JSON."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every arm is asked."""

    prompts: tuple[Prompt, ...]
    seeds: tuple[tuple[int, ...], ...]
    """One sequence per prompt."""
    sampling: Sampling

    @property
    def tokens(self) -> int:
        """New tokens in all."""
        return sum(map(len, self.seeds)) * self.sampling.max_new_tokens


def make_work(options: Options) -> Work:
    """Prompts of held-out problems, the three games in turn."""
    style = options.style or ("terse" if options.model == "tiny" else "full")
    tasks = load_tasks("tiny")
    turns = chain.from_iterable(zip(*([(env_id, task) for task in own] for env_id, own in tasks.items()), strict=False))
    chosen = [turn for turn, _ in zip(turns, range(0, options.replies, options.attempts), strict=False)]
    starts = [Start(env_id, 0, {"style": style, "attempts": 1}, {"task": dict(task)}) for env_id, task in chosen]
    prompts = tuple(Match(start).pending_prompts()[0].messages for start in starts)
    seeds = tuple(tuple(seed_of(options.seed, i, k) for k in range(options.attempts)) for i in range(len(prompts)))
    return Work(prompts, seeds, Sampling(max_new_tokens=options.new_tokens))


def ours(sampler: Sampler, work: Work) -> Arm:
    """`Sampler.generate`, the whole of it."""
    return lambda: sum(
        len(reply.logprobs) for own in sampler.generate(work.prompts, work.sampling, work.seeds) for reply in own
    )


def raw_transformers(model: Any, tokenizer: Any, work: Work, *, logprobs: bool) -> Arm:
    """`generate` on padded ids; with log-probabilities or without."""
    ids = [render_prompt(tokenizer, prompt) for prompt, own in zip(work.prompts, work.seeds, strict=True) for _ in own]
    width = max(map(len, ids))
    ids_BT = torch.tensor([[0] * (width - len(one)) + one for one in ids], device=model.device)
    mask_BT = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in ids], device=model.device)
    model.generation_config.eos_token_id = None  # what a config leaves open is taken from here
    config = copy.deepcopy(model.generation_config)
    config.update(
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=work.sampling.max_new_tokens, eos_token_id=None,
        pad_token_id=0, output_logits=logprobs, return_dict_in_generate=True,
    )  # fmt: skip

    @torch.no_grad()
    def run() -> int:
        out = model.generate(ids_BT, attention_mask=mask_BT, generation_config=config)
        new_BT = out.sequences[:, width:]
        if not logprobs:
            return 0
        found = [
            torch.log_softmax(logits_BV.float(), -1).gather(-1, token_B[:, None])
            for logits_BV, token_B in zip(out.logits, new_BT.T, strict=True)
        ]
        return len([one for own in torch.cat(found, -1).tolist() for one in own])

    return run


def transformers_arms(sampler: TransformersSampler, work: Work) -> dict[str, Arm]:
    """Ours, `generate`, and `generate` without log-probabilities."""
    return {
        "ours": ours(sampler, work),
        "raw": raw_transformers(sampler.model, sampler.tokenizer, work, logprobs=True),
        "lean": raw_transformers(sampler.model, sampler.tokenizer, work, logprobs=False),
    }


def vllm_arms(sampler: VllmSampler, work: Work, stack: ExitStack) -> dict[str, Arm]:
    """Ours, `LLM.generate` in a second process with the same settings, and that without log-probabilities."""
    requests = [
        (render_prompt(sampler.tokenizer, prompt), seed)
        for prompt, own in zip(work.prompts, work.seeds, strict=True)
        for seed in own
    ]
    script = Path(__file__).with_name("raw_vllm.py")
    command = [sampler.supervisor.python, "-P", str(script)]
    raw = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    assert raw.stdin is not None
    assert raw.stdout is not None
    tell, hear = raw.stdin, raw.stdout
    stack.callback(tell.close)
    told = {
        "engine": vllm_engine.__file__,
        "settings": {
            **sampler.supervisor.settings,
            "model": str(sampler.supervisor.files.weights),
        },  # it works in another folder
        "requests": requests,
        "new_tokens": work.sampling.max_new_tokens,
    }
    print(json.dumps(told), file=tell, flush=True)

    def run(kind: str) -> int:
        print(kind, file=tell, flush=True)
        return int(hear.readline())

    return {"ours": ours(sampler, work), "raw": lambda: run("raw"), "lean": lambda: run("lean")}


def cpu_seconds() -> float:
    """CPU seconds of this process and of the engines it started: on a busy machine they say more than a wall clock does."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    stats = (path.read_text() for pid in children for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return time.process_time() + sum(int(one.split()[0]) for one in stats) / 1e9


def measure(arms: dict[str, Arm], runs: int, work: Work, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of every arm in every run; the order turns, so that no arm always follows the same one.

    Raises:
        ValueError: An arm generated another number of tokens than it was asked for.
    """
    names = list(arms)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for name, arm in arms.items():
        count = arm()
        if count != (0 if name == "lean" else work.tokens):
            raise ValueError(f"arm {name!r} returned {count} log-probabilities for {work.tokens} tokens.")
    for run in track(range(runs), "runs", console=Console(stderr=True)):
        for name in names[run % len(names) :] + names[: run % len(names)]:
            started = clock()
            arms[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[name].append(clock() - started)
    return seconds


def main(options: Options) -> dict[str, Any]:
    """Measures the arms and prints the table; returns its numbers, or the reason why nothing was measured."""
    console = Console()
    torch.set_num_threads(options.threads)
    work = make_work(options)
    cores = f"threads={options.threads},workers=1"
    model, tokenizer = load_model(options.model, dtype=getattr(torch, options.dtype), short_cuts=cores)
    with ExitStack() as stack:
        try:
            sampler = open_sampler(options.sampler, model, tokenizer, max_rows=options.replies)
        except ModelUnavailable as error:
            console.print(f"skipped: {error}")
            return {"skipped": str(error)}
        stack.callback(sampler.close)
        assert isinstance(sampler, TransformersSampler | VllmSampler), "an endpoint has no raw engine here"
        sampler.ends = frozenset()
        arms = vllm_arms(sampler, work, stack) if isinstance(sampler, VllmSampler) else transformers_arms(sampler, work)
        clock = time.perf_counter if torch.cuda.is_available() else cpu_seconds
        before = sampler.stats.to_json()
        seconds = measure(arms, options.runs, work, clock)
        counts = {name: (value - before[name]) / (options.runs + 1) for name, value in sampler.stats.to_json().items()}
    found: dict[str, Any] = {"tokens": work.tokens, "prompts": len(work.prompts), "counts_per_run": counts, "arms": {}}
    for name, own in seconds.items():
        ratios = [base / mine for base, mine in zip(own, seconds["ours"], strict=True)]
        found["arms"][name] = {
            "tokens_per_s": work.tokens / statistics.median(own),
            "seconds": own,
            "ours_over_this": statistics.median(ratios),
            "ratios": ratios,
        }
    report(console, options, found)
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1))
    return found


def report(console: Console, options: Options, found: dict[str, Any]) -> None:
    """The table, then what was computed for each token that was wanted."""
    title = f"{options.model}, {options.sampler}: {options.replies} replies of {options.new_tokens} tokens, {options.runs} runs"
    table = Table(title=title, title_justify="left")
    for column in ("arm", "tokens/s", "ours / this, median", "lowest", "highest"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for name, row in found["arms"].items():
        ratios = row["ratios"]
        table.add_row(
            name, f"{row['tokens_per_s']:,.0f}", *(f"{x:.2f}" for x in (row["ours_over_this"], min(ratios), max(ratios)))
        )
    console.print(table)
    console.print("per run: " + ", ".join(f"{name} {value:,.2f}" for name, value in found["counts_per_run"].items()))


if __name__ == "__main__":
    main(tyro.cli(Options))
