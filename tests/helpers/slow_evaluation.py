"""An evaluation that draws slowly and notes what it draws, to be killed: `python -m tests.helpers.slow_evaluation FOLDER`."""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path

from agents.config.run import EvalConfig
from agents.evaluation.evaluate import evaluate_sets, reply_seed
from agents.evaluation.grading import Sample
from agents.evaluation.samples import SampleFiles
from agents.evaluation.task_sets import task_sets
from agents.models.chat import Prompt
from agents.samplers.cached import CachedSampler
from agents.samplers.reply_store import ReplyStore
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Referee

BATCH = 4


def measure(folder: Path, samples: int, pause_s: float, most: int | None = None) -> None:
    """Asks the questions of `q.jsonl`, keeps all in `out`, and writes the seed of every drawn reply to `drawn.txt`.

    Once it has drawn `most` replies, it waits to be killed.
    """
    config = EvalConfig(tasks=str(folder / "q.jsonl"), verifier="exact", samples=samples)
    numbers = count()
    store = ReplyStore(folder / "out" / "replies.jsonl")
    with (folder / "drawn.txt").open("a", buffering=1) as log:

        def say(prompt: Prompt, seed: int) -> str:
            time.sleep(600 if next(numbers) == most else pause_s)
            log.write(f"{seed}\n")
            return "Answer: " + ("ok..." if seed % 2 else "no")

        def key_of(one: Sample) -> str:
            assert one.turn is not None
            return sampler.key(one.turn.messages, config.sampling, reply_seed(0, one.place, one.turn.slot))

        sampler = CachedSampler(ScriptedSampler(say), store, "p", batch=BATCH)
        with SampleFiles(folder / "out", ["q"], key_of) as files:
            evaluate_sets(sampler, Referee("process"), task_sets(config), config, on_samples=files.write, chunk=12)
    store.close()


if __name__ == "__main__":
    measure(Path(sys.argv[1]), samples=2, pause_s=0.03, most=23)
