"""How many problems of each set the tiny model saw in its warm start, from the stream drawn anew.

Programs count by syntax tree, instructions as sets of clauses; the held-out instructions are chosen by what was shown.

python -m tests.benchmarks.warm_start_overlap            # about a minute; prints the counts
python -m tests.benchmarks.warm_start_overlap --write    # and writes warm_start_overlap.json and the held-out instructions
"""

from __future__ import annotations

import json
import sys

import numpy as np

from agents.tiny.folder import TINY_MODEL
from agents.tiny.instructions import FILE, combination, held_out_instructions, held_out_rows
from agents.tiny.problem_sets import PROGRAMS, problem_set
from agents.tiny.training_tasks import training_tasks
from examples.train_tiny_model import Recipe, make_corpora, parses
from selfplay_envs.replies.parsing import bodies
from selfplay_envs.tasks.programs import program_key


def warm_start_texts(label: str) -> set[str]:
    """All blocks of that label in the warm start's prompts and replies."""
    recipe = Recipe()
    corpus_seed, *_ = np.random.SeedSequence(recipe.seed).spawn(4)
    corpora = make_corpora(recipe, np.random.default_rng(corpus_seed))
    return {text for part in corpora for row in part for text in bodies(row.prompt + "\n" + row.reply, label)}


def count_overlap() -> dict[str, dict[str, int]]:
    """Per set its programs and how many of them the warm start showed; `warm-start` has the stream's own number."""
    shown = {program_key(text) for text in warm_start_texts("python") if parses(text)}
    sets = {"training": training_tasks("deduction"), **{name: problem_set(name)["SelfPlay/Deduction-v0"] for name in PROGRAMS}}
    keys = {name: {program_key(task["program"]) for task in tasks} for name, tasks in sets.items()}
    counts = {name: {"programs": len(of_set), "in_warm_start": len(of_set & shown)} for name, of_set in keys.items()}
    return {"warm-start": {"programs": len(shown), "in_warm_start": len(shown)}, **counts}


if __name__ == "__main__":
    found = count_overlap()
    shown = {clauses for text in warm_start_texts("instruction") if (clauses := combination(text)) is not None}
    if "--write" in sys.argv[1:]:
        (TINY_MODEL / "warm_start_overlap.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (TINY_MODEL / FILE).write_text("".join(json.dumps(row) + "\n" for row in held_out_rows(shown)), encoding="utf-8")
    print(json.dumps(found, indent=1))
    held_out = {combination(task["instruction"]) for task in held_out_instructions()}
    print(f"Of {len(held_out)} held-out instructions the warm start showed {len(held_out & shown)}.")
