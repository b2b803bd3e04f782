"""Longer toy programs with operations that no warm start held: tasks out of the tiny model's domain.

A program is a chain of four to six typed operations, of which at least two are of `NEW`; the others are those that the model
grew up on. What counts as an operation is read off the syntax tree, see `operations`.
"""

from __future__ import annotations

import ast
from functools import cache

import numpy as np

from .programs import BLOCKS, CONDITIONS, EXPRESSIONS, KINDS, PAIRS, Task, fill, is_held_out, pick, run, sample_input

# {v}: the value so far; {c}: 1 to 5; {s}: a letter.
NEW: dict[str, tuple[str, ...]] = {
    "int>int": ("{v} // 2", "{v} ** 2", "abs({v} - {c})", "divmod({v}, 3)[1]"),
    "int>str": ("chr(97 + {v} % 4)", "hex({v})[2:]"),
    "int>list": ("list(divmod({v}, {c}))",),
    "str>str": (
        "{v}.lower()",
        "{v}.swapcase()",
        "{v}.strip({s})",
        "{v}[::2]",
        "''.join(sorted({v}))",
        "{v}.partition({s})[0]",
    ),
    "str>int": ("{v}.find({s})", "len(set({v}))"),
    "str>list": ("[ord(i) - 97 for i in {v}]", "[{v}.find(i) for i in {v}]"),
    "list>list": (
        "[i for i in {v} if i % 2 == 0]",
        "[i for i in {v} if i > {c}]",
        "{v}[::2]",
        "[i * 2 for i in {v}]",
        "[i // 2 for i in {v}]",
        "sorted(set({v}))",
    ),
    "list>int": ("{v}.index(max({v}))", "len(set({v}))", "sum(i > {c} for i in {v})"),
    "list>str": ("''.join(str(i) for i in {v})",),
}
LEAST_NEW = 2
"""Operations of `NEW` in a program."""


def operations(program: str) -> frozenset[str]:
    """What a program does, as names: functions and methods that it calls, operators, steps of slices, filters.

    Raises:
        SyntaxError: It is no Python.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(program)):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                found.add(f"{name}()")
            case ast.Call(func=ast.Attribute(attr=name)):
                found.add(f".{name}()")
            case ast.BinOp(op=op) | ast.UnaryOp(op=op):
                found.add(type(op).__name__)
            case ast.Slice(step=ast.AST() as step):
                found.add(f"step {ast.unparse(step)}")
            case ast.ListComp(elt=elt, generators=[clause]):
                found.add("filter" if clause.ifs else f"comprehension of {type(getattr(elt, 'op', elt)).__name__}")
            case ast.GeneratorExp():
                found.add("generator")
            case _:
                pass
    return frozenset(found)


@cache
def known_operations() -> frozenset[str]:
    """The operations of every template that the warm start's programs are made of."""
    templates = [text for table in (EXPRESSIONS, PAIRS, CONDITIONS, BLOCKS) for texts in table.values() for text in texts]
    return frozenset().union(*(operations(text.format(v="x", k=1, c=1, s="'a'", t="'b'")) for text in templates))


def sample_long_task(rng: np.random.Generator, *, num_inputs: int = 4) -> Task:
    """A program of the held-out share, so that self-play masks proposals that happen to be it, with that many inputs.

    Redrawn until it runs on all of them, is not constant there, and its outputs stay short.
    """
    while True:
        program, signature = sample_long_program(rng)
        if not is_held_out(program):
            continue
        kind = signature.partition(" to ")[0]
        texts = tuple(dict.fromkeys(sample_input(rng, [kind]) for _ in range(num_inputs + 6)))[:num_inputs]
        outputs = run(program, texts)
        if outputs is None or len(texts) < num_inputs or len(set(outputs)) < min(3, num_inputs) or outputs == texts:
            continue
        if max(map(len, outputs)) <= 20:
            return Task(program, texts, outputs, signature)


def sample_long_program(rng: np.random.Generator) -> tuple[str, str]:
    """Source and signature of a chain of four to six operations, a line each; it may fail on some inputs."""
    count = int(rng.integers(4, 7))
    new = set(rng.choice(count, int(rng.integers(LEAST_NEW, count)), replace=False).tolist())
    source = kind = pick(rng, KINDS)
    lines: list[str] = []
    for step in range(count):
        table = NEW if step in new else EXPRESSIONS
        moves = [move for move in table if move.startswith(f"{kind}>")]
        stay = f"{kind}>{kind}"
        move = stay if rng.random() < 0.5 and stay in table else pick(rng, moves)
        lines.append(f"    x = {fill(rng, pick(rng, table[move]))}\n")
        kind = move.partition(">")[2]
    lines[-1] = lines[-1].replace("x = ", "return ", 1)
    return ast.unparse(ast.parse(f"def f(x):\n{''.join(lines)}")), f"{source} to {kind}"
