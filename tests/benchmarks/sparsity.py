"""How fast and in how little memory two large checkpoints are compared: a generated pair in bfloat16 shards of safetensors.

    python -m tests.benchmarks.sparsity                    # shaped like a model of 3B weights: 12 GB of files, ten minutes
    python -m tests.benchmarks.sparsity --scale 0.1        # a tenth of its layers and words
    python -m tests.benchmarks.sparsity --precision float32 --scale 0.1

The pair is made in `--folder` and deleted afterwards. A process of one thread compares it with all tolerances; another is
killed (-9) half-way; a third must give the numbers of the first. Shown each time: MB/s of both checkpoints together, by the
clock and by processor seconds (user and system), and the process's memory: the peak of all that is resident, the peak of what
of it belongs to no file (RssAnon, sampled), and what of both Python and torch take before the first slice.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from safetensors.torch import save_file

HIDDEN, INNER, WORDS, LAYERS, KEYS = 2048, 11008, 151936, 36, 256
"""As Qwen2.5-3B has them, whose head is tied to its embedding."""
CHANGED = 0.3
"""Share of weights that are changed, by one last place of bfloat16."""
BLOCK = 1 << 22
"""Random weights that are drawn; larger tensors repeat them."""
CHILD, FOUND = "--child", "found.json"
SHARD = 1 << 30
"""Bytes."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to compare."""

    scale: float = 1.0
    """Of layers and words."""
    precision: str = "bfloat16"
    """Or float32, float16."""
    folder: Path = Path(tempfile.gettempdir())
    """Where the pair is made."""


def shapes(scale: float) -> dict[str, tuple[int, ...]]:
    """The tensors of the model."""
    table: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (round(WORDS * scale), HIDDEN)}
    for layer in range(max(round(LAYERS * scale), 1)):
        for name, shape in {
            "self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            "self_attn.q_proj.bias": (HIDDEN,),
            "self_attn.k_proj.weight": (KEYS, HIDDEN),
            "self_attn.v_proj.weight": (KEYS, HIDDEN),
            "self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            "mlp.gate_proj.weight": (INNER, HIDDEN),
            "mlp.up_proj.weight": (INNER, HIDDEN),
            "mlp.down_proj.weight": (HIDDEN, INNER),
            "input_layernorm.weight": (HIDDEN,),
            "post_attention_layernorm.weight": (HIDDEN,),
        }.items():
            table[f"model.layers.{layer}.{name}"] = shape
    return table | {"model.norm.weight": (HIDDEN,)}


def write_pair(folder: Path, options: Options) -> int:
    """Writes `start` and `end` in shards; returns the bytes of both."""
    rng = torch.Generator().manual_seed(0)
    dtype = getattr(torch, options.precision)
    start = (0.02 * torch.randn(BLOCK, generator=rng)).to(dtype)
    steps = (torch.rand(BLOCK, generator=rng) < CHANGED).to(dtype) * 2.0**-7
    blocks = {"start": start, "end": start + start * steps}
    for name, block in blocks.items():
        (folder / name).mkdir()
        weight_map: dict[str, str] = {}
        for number, shard in enumerate(_shards(options, block)):
            file = f"model-{number:05d}.safetensors"
            save_file(shard, folder / name / file)
            weight_map |= dict.fromkeys(shard, file)
        index = {"metadata": {}, "weight_map": weight_map}
        (folder / name / "model.safetensors.index.json").write_text(json.dumps(index))
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def _shards(options: Options, block: torch.Tensor) -> Iterator[dict[str, torch.Tensor]]:
    shard: dict[str, torch.Tensor] = {}
    for name, shape in shapes(options.scale).items():
        size = torch.Size(shape).numel()
        shard[name] = block.repeat(-(-size // BLOCK))[:size].reshape(shape).clone()
        if sum(tensor.nbytes for tensor in shard.values()) > SHARD:
            yield shard
            shard = {}
    if shard:
        yield shard


def child(folder: Path) -> None:
    """Compares the pair and writes what was found beside it."""
    from agents.analysis.weights.checkpoint import open_checkpoint
    from agents.analysis.weights.records import to_json
    from agents.analysis.weights.sparsity import measure_sparsity

    torch.set_num_threads(1)
    begun = {"start_mib": _status()["VmRSS"], "start_anon_mib": _status()["RssAnon"]}
    clock, processor = time.perf_counter(), time.process_time()
    result = measure_sparsity(*(open_checkpoint(str(folder / name)) for name in ("start", "end")))
    seconds = {"clock_s": time.perf_counter() - clock, "processor_s": time.process_time() - processor}
    found = {**begun, **seconds, "peak_mib": _status()["VmHWM"], "result": to_json(result)}
    (folder / FOUND).write_text(json.dumps(found))


def _status(process: int | str = "self") -> dict[str, float]:
    """MiB by the names of /proc/PID/status."""
    lines = (line.split() for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if len(words) == 3 and words[2] == "kB"}


def run_child(folder: Path, kill_after_s: float = 0.0) -> dict[str, Any]:
    """One process; killed after some seconds, if any are given."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.sparsity", CHILD, str(folder)]
    process = subprocess.Popen(command, env=environment)
    anonymous, began = 0.0, time.monotonic()
    while process.poll() is None:
        try:
            anonymous = max(anonymous, _status(process.pid).get("RssAnon", 0.0))
        except OSError:
            break
        if kill_after_s and time.monotonic() - began > kill_after_s:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    if process.wait() and not kill_after_s:
        raise RuntimeError(f"the comparison ended with {process.returncode}.")
    found: dict[str, Any] = {} if kill_after_s else json.loads((folder / FOUND).read_text())
    (folder / FOUND).unlink(missing_ok=True)
    return {**found, "anon_mib": anonymous}


def main() -> None:
    """Makes the pair, compares it, prints a line per time, and deletes it."""
    options = tyro.cli(Options, description=__doc__)
    folder = Path(tempfile.mkdtemp(prefix="sparsity-", dir=options.folder))
    try:
        size = write_pair(folder, options) / 1e6
        print(f"{size:,.0f} MB in both checkpoints, {options.precision}")
        results: list[dict[str, Any]] = []
        for turn in range(2):
            found = run_child(folder)
            results.append(found)
            print(
                f"{size / found['clock_s']:,.0f} MB/s by the clock ({found['clock_s']:.1f} s), "
                f"{size / found['processor_s']:,.0f} MB/s of processor time; "
                f"peak {found['peak_mib']:,.0f} MiB, without files {found['anon_mib']:,.0f} MiB; "
                f"before the first slice {found['start_mib']:,.0f} and {found['start_anon_mib']:,.0f} MiB"
            )
            if turn == 0:
                run_child(folder, kill_after_s=found["clock_s"] / 2 + 3)
                print("killed (-9) half-way")
        whole = results[0]["result"]["whole"]
        print(f"the same numbers: {results[0]['result'] == results[1]['result']}; unchanged: {whole['float32'][0]:.6f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    if CHILD in sys.argv:
        child(Path(sys.argv[-1]))
    else:
        main()
