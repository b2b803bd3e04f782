"""How many programs of each set of problems the tiny model saw in its warm start; by syntax tree, from the stream drawn anew.

python -m tests.benchmarks.warm_start_overlap            # about a minute; prints the counts
python -m tests.benchmarks.warm_start_overlap --write    # and writes agents/tiny/warm_start_overlap.json
"""

from __future__ import annotations

import json
import sys

import numpy as np

from agents.tiny.folder import TINY_MODEL
from agents.tiny.problem_sets import NAMES, problem_set
from agents.tiny.training_tasks import training_tasks
from examples.train_tiny_model import Recipe, make_corpora, parses
from selfplay_envs.replies.parsing import bodies
from selfplay_envs.tasks.programs import program_key


def count_overlap() -> dict[str, dict[str, int]]:
    """Per set its programs and how many of them the warm start showed; `warm-start` has the stream's own number."""
    recipe = Recipe()
    corpus_seed, *_ = np.random.SeedSequence(recipe.seed).spawn(4)
    corpora = make_corpora(recipe, np.random.default_rng(corpus_seed))
    texts = {text for part in corpora for row in part for text in bodies(row.prompt + "\n" + row.reply, "python")}
    shown = {program_key(text) for text in texts if parses(text)}
    sets = {"training": training_tasks("deduction"), **{name: problem_set(name)["SelfPlay/Deduction-v0"] for name in NAMES}}
    keys = {name: {program_key(task["program"]) for task in tasks} for name, tasks in sets.items()}
    counts = {name: {"programs": len(of_set), "in_warm_start": len(of_set & shown)} for name, of_set in keys.items()}
    return {"warm-start": {"programs": len(shown), "in_warm_start": len(shown)}, **counts}


if __name__ == "__main__":
    found = count_overlap()
    print(json.dumps(found, indent=1))
    if "--write" in sys.argv[1:]:
        (TINY_MODEL / "warm_start_overlap.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
