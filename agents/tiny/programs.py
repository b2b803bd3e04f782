"""The toy Python that the tiny model grew up on: seeded programs, their inputs, and the prompts that are asked about them.

Programs are one to three typed operations over ints, strings and lists of ints, written in several syntactic forms (nested,
stepwise, branch, loop). They are ours, so they run in this process; what a model writes never does.
The split is a pure function of the program: `is_held_out` looks at a hash of its normalised syntax tree, so that a self-play
loop can exclude a proposal that happens to be a held-out program, whatever its layout or annotations.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selfplay_envs.games.code.prompts import STYLES
from selfplay_envs.tasks.code_task import CodeTask
from selfplay_envs.tasks.programs import program_key

TERSE = STYLES["terse"]
"""The wording that the tiny model is trained on."""
HELD_OUT_BUCKETS = 20
"""Bucket 0 of this many is held out: 5 % of all programs."""
LETTERS = "abcd"
KINDS = ("int", "str", "list")

# {v}: the value so far; {k}: 1 or 2; {c}: 1 to 5; {s}, {t}: two different letters.
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "int>int": ("{v} + {c}", "{v} - {c}", "{v} * 2", "max({v}, {c})"),
    "int>str": ("str({v})", "{s} * {v}"),
    "int>list": ("list(range({v}))", "[{v}, {c}]", "[{c}, {v}]", "[{v}] * 2"),
    "str>str": (
        "{v}[::-1]",
        "{v}.upper()",
        "{v} + {s}",
        "{s} + {v}",
        "{v} * 2",
        "{v}[1:]",
        "{v}[:-1]",
        "{v}[:{k}]",
        "{v}.replace({s}, {t})",
    ),
    "str>int": ("len({v})", "{v}.count({s})"),
    "str>list": ("[len({v})]", "[{c}, len({v})]"),
    "list>list": (
        "{v}[::-1]",
        "sorted({v})",
        "{v}[1:]",
        "{v}[:-1]",
        "{v}[:{k}]",
        "{v} + [{c}]",
        "[{c}] + {v}",
        "{v} * 2",
        "[i + {k} for i in {v}]",
    ),
    "list>int": ("len({v})", "max({v})", "min({v})", "{v}[0]", "{v}[-1]", "sum({v}[:2])"),
    "list>str": ("{s} * len({v})", "str({v}[0])"),
}
PAIRS: dict[str, tuple[str, ...]] = {
    "int,int>int": ("a + b", "max(a, b)", "min(a, b)"),
    "int,int>list": ("[a, b]", "[b, a]"),
    "list,int>list": ("a + [b]", "[b] + a"),
    "str,int>str": ("a + str(b)",),
    "str,str>str": ("a + b", "b + a", "a + b[::-1]"),
}
BLOCKS: dict[str, tuple[str, ...]] = {
    "int>int": ("for i in range({k}):\n    x = x + {c}",),
    "list>list": ("r = []\nfor i in x:\n    r.append(i + {k})\nx = r",),
    "str>str": ("r = ''\nfor c in x:\n    r = c + r\nx = r", "r = ''\nfor c in x:\n    r = r + c * 2\nx = r"),
}
CONDITIONS = {
    "int": ("x > {c}", "x % 2 == 0", "x < {c}"),
    "str": ("len(x) > {k}", "{s} in x", "x[:1] == {s}"),
    "list": ("len(x) > {k}", "{c} in x", "sum(x) > {c}"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A program, some argument texts, and the output literal of each."""

    program: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    signature: str
    """Kinds of the parameters and of the value, such as `list, int to str`."""


def is_held_out(program: str) -> bool:
    """Whether the program belongs to the held-out share."""
    return is_held_out_key(program_key(program))


def is_held_out_key(key: str) -> bool:
    """The same of a program whose `program_key` is known already."""
    return int(key[:12], 16) % HELD_OUT_BUCKETS == 0


def sample_task(rng: np.random.Generator, *, num_inputs: int = 6, held_out: bool | None = None) -> Task:
    """A program with `num_inputs` distinct inputs, of the asked half of the split (None: either).

    Redrawn until it runs on all of them, is neither constant nor the identity there, and its outputs stay short.
    """
    while True:
        program, signature = sample_program(rng)
        if held_out is not None and is_held_out(program) != held_out:
            continue
        kinds = signature.split(" to ")[0].split(", ")
        inputs = dict.fromkeys(sample_input(rng, kinds) for _ in range(num_inputs + 6))
        texts = tuple(inputs)[:num_inputs]
        outputs = run(program, texts)
        if outputs is None or len(texts) < num_inputs or len(set(outputs)) < min(3, num_inputs) or outputs == texts:
            continue
        if max(map(len, outputs)) <= 20:
            return Task(program, texts, outputs, signature)


def sample_program(rng: np.random.Generator) -> tuple[str, str]:
    """Source and signature of a random program of one to three operations; it may fail on some inputs."""
    count = int(rng.choice(3, p=(0.5, 0.45, 0.05))) + 1
    lines: list[str] = []
    if rng.random() < 0.1:
        shape = pick(rng, tuple(PAIRS))
        value, params = fill(rng, pick(rng, PAIRS[shape])), "a, b"
        source, kind = shape.split(">")
        count -= 1
    else:
        source = kind = pick(rng, KINDS)
        value, params = "x", "x"
    for step in range(count):
        target = kind if rng.random() < 0.5 else pick(rng, KINDS)
        move, form = f"{kind}>{target}", rng.random()
        if value != "x" and (form < 0.2 or rng.random() < 0.3):
            lines.append(f"x = {value}")
            value = "x"
        if form < 0.12 and move in BLOCKS:
            lines += fill(rng, pick(rng, BLOCKS[move])).split("\n")
        elif form < 0.2 and step == count - 1:
            first, second = (fill(rng, pick(rng, EXPRESSIONS[move]), value) for _ in range(2))
            test = fill(rng, pick(rng, CONDITIONS[kind]))
            lines += [f"if {test}:", f"    return {first}"]
            value = second
        else:
            value = fill(rng, pick(rng, EXPRESSIONS[move]), value)
        kind = target
    body = "".join(f"    {line}\n" for line in [*lines, f"return {value}"])
    return ast.unparse(ast.parse(f"def f({params}):\n{body}")), f"{source.replace(',', ', ')} to {kind}"


def sample_input(rng: np.random.Generator, kinds: Sequence[str]) -> str:
    """Argument-list source for parameters of these kinds: digits, strings of 2 to 4 letters, lists of 2 to 4 digits."""
    return ", ".join(repr(_literal(rng, kind)) for kind in kinds)


def run(program: str, inputs: Sequence[str]) -> tuple[str, ...] | None:
    """Output literals of a program of ours on argument texts of ours, or None if it raises on any of them.

    Executes in this process: never give it a model's text.
    """
    space: dict[str, Any] = {}
    try:
        exec(compile(program, "<tiny>", "exec"), space)
        return tuple(repr(eval(f"f({text})", space)) for text in inputs)
    except Exception:  # whatever it raised, the caller only needs to know that this program is not usable here
        return None


def solve_prompt(kind: str, task: Task, index: int = 0, given: int = 2) -> str:
    """The solver's prompt: deduction and abduction about pair `index`, induction about the first `given` pairs."""
    if kind == "induction":
        shown = CodeTask(program="", inputs=task.inputs[:given], outputs=task.outputs[:given], message=task.signature)
        return TERSE.solve_induction(shown)[0].content
    pair = CodeTask(program=task.program, inputs=(task.inputs[index],), outputs=(task.outputs[index],))
    return (TERSE.solve_deduction(pair) if kind == "deduction" else TERSE.solve_abduction(pair))[0].content


def propose_prompt(kind: str, references: Sequence[tuple[str, str, str]]) -> str:
    """The proposer's prompt: (program, input, output) references; induction shows the first one's program only."""
    if kind == "induction":
        return TERSE.propose_induction(references[0][0], num_inputs=4)[0].content
    tasks = [CodeTask(program=program, inputs=(x,), outputs=(y,)) for program, x, y in references]
    return TERSE.propose_pair(kind, tasks)[0].content


def _literal(rng: np.random.Generator, kind: str) -> int | str | list[int]:
    if kind == "int":
        return int(rng.integers(0, 10))
    size = int(rng.integers(2, 5))
    return "".join(rng.choice(list(LETTERS), size).tolist()) if kind == "str" else rng.integers(0, 10, size).tolist()


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of some texts."""
    return options[int(rng.integers(len(options)))]


def fill(rng: np.random.Generator, template: str, value: str = "x") -> str:
    """The template with random constants, and with the value so far in its place; needless parentheses go in `ast.unparse`."""
    first, second = rng.choice(list(LETTERS), 2, replace=False).tolist()
    return template.format(
        v=value if value.isidentifier() else f"({value})",
        k=rng.integers(1, 3),
        c=rng.integers(1, 6),
        s=repr(first),
        t=repr(second),
    )
