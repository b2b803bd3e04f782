"""Do our IFEval verdicts equal lm-eval's? Strict and loose, clause by clause, on many (row, reply) pairs.

    python -m tests.benchmarks.ifeval_agreement ifeval.jsonl                      # made replies
    python -m tests.benchmarks.ifeval_agreement ifeval.jsonl --replies said.jsonl # and a model's: {"prompt": ..., "reply": ...}

It needs the extras `bench` and `ifeval`. lm-eval is large; its checks alone run with `pip install --no-deps lm-eval` and
`pip install immutabledict packaging` beside them. They want NLTK's data `punkt_tab` where NLTK looks for it (`NLTK_DATA`), as
`nltk.download("punkt_tab")` puts it. lm-eval leaves langdetect unseeded; here it gets our seed, and a second pass with other
seeds counts what its verdicts on a language owe to chance. Made replies are, for every row: a response that meets all its
clauses where one is constructed, that response changed in many ways, the request itself, and responses to other rows.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import tyro

from selfplay_envs.checks.ifeval.clauses import Clause, read_row
from selfplay_envs.checks.ifeval.packages import SEED
from selfplay_envs.checks.ifeval.scoring import met_clauses
from selfplay_envs.checks.ifeval.witness import witness

PROSE = (
    "I'm sure that Mr. Smith won't mind. He said so, didn't he? Well... The U.S. is far away!!! \"Is it?\" she asked.\n\n"
    "* First, a *small* step\n- Second: a **LARGE** one\n\n***\n\nP.S. My answer is maybe. See [name] and "
    "<<this title>>, section 2."
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to compare."""

    rows: Annotated[Path, tyro.conf.Positional]
    """The benchmark's rows, JSON lines."""
    replies: Path | None = None
    """A model's replies, JSON lines of prompt and reply."""
    pairs: int = 0
    """How many of the pairs with made replies, drawn by chance; 0: all, about 9,000 of 270 rows."""
    seed: int = 0


def made_replies(row: dict[str, Any], clauses: list[Clause], chance: random.Random, others: list[str]) -> Iterator[str]:
    """Replies to a row; the first meets all its clauses, if one is found."""
    found = witness(clauses)
    whole = found if found is not None else PROSE
    prompt = row["prompt"]
    yield whole
    yield from (f"Sure, here it is:\n{whole}", f"{whole}\nI hope this helps.", f"Sure:\n{whole}\nDone.", f"**{whole}**")
    yield from (whole.upper(), whole.lower(), f'"{whole}"', f"```json\n{whole}\n```", json.dumps(whole), f"\n\n {whole}\n ")
    yield from (prompt, f"{prompt}\n\n{whole}", f"{whole}\n\n{whole}", f"{whole}\n******\n{PROSE}", f"{whole}\n***\n{whole}")
    yield from (PROSE, PROSE + whole, whole.replace(" ", "\n"), whole.replace("\n", " "), re.sub(r"[^\w\s]", "", whole), " ")
    for _ in range(6):
        text = list(whole + chance.choice(("", PROSE)))
        for _ in range(chance.choice((1, 3, 20))):
            place = chance.randrange(len(text) + 1)
            text[place : place + chance.choice((0, 1, 4))] = chance.choice(
                ("", " ", "\n", "\n\n", "* ", "- ", '"', ",", ".", "A", "[x]")
            )
        yield "".join(text)
    yield from chance.sample(others, min(3, len(others)))


@cache
def open_lm_eval() -> Any:
    """lm-eval's module of IFEval, without the rest of the package, which would load its metrics, models and their packages."""
    found = find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("lm-eval is not installed; see the docstring.")
    [folder] = found.submodule_search_locations
    for name in ("lm_eval", "lm_eval.tasks"):
        package: Any = ModuleType(name)
        package.__path__ = [str(Path(folder, *name.split(".")[1:]))]
        sys.modules[name] = package
    return import_module("lm_eval.tasks.ifeval.utils")


def theirs(row: dict[str, Any], reply: str, loose: bool) -> list[bool]:
    """lm-eval's verdicts on the clauses of a row."""
    utils = open_lm_eval()
    example = utils.InputExample(0, row["instruction_id_list"], row["prompt"], row["kwargs"])
    check = utils.test_instruction_following_loose if loose else utils.test_instruction_following_strict
    return check(example, reply).follow_instruction_list


def reason(clause: Clause) -> str:
    """Why a verdict may differ."""
    if clause.id == "keywords:letter_frequency" and not re.fullmatch("[a-z]", clause.values[0]):
        return "the letter is a sign, for which lm-eval draws a letter by chance"
    return "unexplained"


def languages_by_chance(pairs: list[tuple[dict[str, Any], str]]) -> tuple[int, int]:
    """How many strict verdicts on a language there are, and how many of them change over five other seeds."""
    from langdetect.detector_factory import DetectorFactory

    number = changed = 0
    for row, reply in pairs:
        places = [i for i, name in enumerate(row["instruction_id_list"]) if "language" in name or "english" in name]
        if not places:
            continue
        seen: list[list[bool]] = []
        for seed in range(1, 6):
            DetectorFactory.seed = seed
            seen.append(theirs(row, reply, loose=False))
        number += len(places)
        changed += sum(len({verdicts[place] for verdicts in seen}) > 1 for place in places)
    return number, changed


def main(options: Options) -> int:
    """Prints counts and every reason; 1 if a disagreement is unexplained."""
    from langdetect.detector_factory import DetectorFactory

    rows = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines() if line.strip()]
    clauses = [read_row(row["instruction_id_list"], row["kwargs"]) for row in rows]
    chance = random.Random(options.seed)
    others = [found for some in clauses if (found := witness(some)) is not None]
    pairs = [(row, reply) for row, some in zip(rows, clauses, strict=True) for reply in made_replies(row, some, chance, others)]
    if options.pairs:
        pairs = chance.sample(pairs, min(options.pairs, len(pairs)))
    if options.replies is not None:
        said = [json.loads(line) for line in options.replies.read_text(encoding="utf-8").splitlines()]
        by_prompt = {row["prompt"].strip(): row for row in rows}
        pairs += [(by_prompt[one["prompt"].strip()], one["reply"]) for one in said if one["prompt"].strip() in by_prompt]
    DetectorFactory.seed = SEED
    counts, reasons = Counter[str](), Counter[str]()
    for row, reply in pairs:
        some = read_row(row["instruction_id_list"], row["kwargs"])
        for loose in (False, True):
            kind, ours, other = ("strict", "loose")[loose], met_clauses(some, reply, loose=loose), theirs(row, reply, loose)
            counts[f"{kind} prompts met"] += all(ours)
            for clause, mine, their in zip(some, ours, other, strict=True):
                counts[f"{kind} clauses"] += 1
                counts[f"{kind} clauses met"] += mine
                if mine != their:
                    reasons[reason(clause)] += 1
                    if reason(clause) == "unexplained":
                        print(f"{kind}: {clause.text!r:.150} ours {mine}, theirs {their} on {reply!r:.300}")
    print(f"{len(rows)} rows, {len(pairs)} pairs", dict(counts), "disagreements", dict(reasons))
    print("verdicts on a language: {}, of which other seeds change {}".format(*languages_by_chance(pairs)))
    return int(reasons["unexplained"] > 0)


if __name__ == "__main__":
    raise SystemExit(main(tyro.cli(Options)))
