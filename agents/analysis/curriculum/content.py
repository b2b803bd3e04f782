"""What a proposal is made of, by reading its task: its shape and its operations. Nothing is run, and no text is too odd.

    program                     shape: its syntax tree without names, constants and annotations
                                operations: operators, calls, methods, and kinds of expressions and statements
    instruction of clauses      shape: the sorted kinds of its clauses; operations: these kinds
    any other text              no shape; operations: its words

A text that does not parse as a program is a shape of its own, and has no operations.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfplay_envs.checks import clauses as basic
from selfplay_envs.checks.answers import fold, visible, words
from selfplay_envs.checks.ifeval import clauses as ifeval
from selfplay_envs.core.hashing import short_hash
from selfplay_envs.core.text import clean_text
from selfplay_envs.tasks.programs import parse_program, program_key

MAX_CLAUSE_CHARS = 4_000
"""Longer instructions are not read for clauses."""
MAX_WORD_CHARS = 16_000
"""What of a text is read for words: composing accents takes quadratic time."""
OTHER = "other"
"""Kind of a part of an instruction that is no known clause, beside parts that are."""
OWN = "own()"
"""A call of whatever is no built-in function of Python, such as a function of the program itself."""
NAMES_OF_TYPES = ("annotation", "returns", "type_comment", "type_ignores")
"""Fields of syntax trees that say nothing of what is computed."""
EVERYWHERE = (ast.FunctionDef, ast.Return, ast.Expr, ast.Pass, ast.Import, ast.ImportFrom)
"""Statements that do nothing by themselves, or that nearly all programs have."""
KINDS = (ast.stmt, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.comprehension)
"""Nodes that are operations by their kind."""
EXPRESSIONS = (
    *(ast.IfExp, ast.Lambda, ast.Subscript, ast.Slice, ast.JoinedStr, ast.Starred, ast.NamedExpr),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
"""Expressions that are."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a task is made of."""

    shape: str | None
    """Equal for tasks of equal shape; None where a text has none."""
    operations: tuple[str, ...]
    """As often as they are used."""


def content_of(task: Mapping[str, Any]) -> Content:
    """Shape and operations of a task as a game records it. Never raises because of its texts."""
    program, instruction = task.get("program"), task.get("instruction")
    if isinstance(program, str):
        return program_content(program)
    if isinstance(instruction, str):
        return instruction_content(instruction)
    return Content(None, tuple(_words(" ".join(text for text in task.values() if isinstance(text, str)))))


def program_content(source: str) -> Content:
    """Shape and operations of a program."""
    tree = parse_program(source)
    if isinstance(tree, str):
        return Content(f"{tree} {program_key(source)}", ())
    nodes = list(_nodes(tree))
    return Content(short_hash([name for name, _ in nodes]), tuple(filter(None, (_operation(node) for _, node in nodes))))


def instruction_content(text: str) -> Content:
    """Shape and operations of an instruction: the kinds of its clauses, or the words of one that has none."""
    kinds = _clauses(text) if len(text) <= MAX_CLAUSE_CHARS else []
    if all(kind == OTHER for kind in kinds):
        return Content(None, tuple(_words(text)))
    return Content("; ".join(sorted(kinds)), tuple(kinds))


def _nodes(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every node, parents first, named by its depth, its place in its parent, and its kind; trees of equal names are equal."""
    todo: list[tuple[int, str, ast.AST]] = [(0, "", tree)]
    while todo:
        depth, field, node = todo.pop()
        yield f"{depth} {field} {type(node).__name__}", node
        children: list[tuple[int, str, ast.AST]] = []
        for name, value in ast.iter_fields(node):
            if name in NAMES_OF_TYPES:
                continue
            for one in value if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]
                if isinstance(one, ast.AST) and not isinstance(one, ast.expr_context):
                    children.append((depth + 1, name, one))
        todo += reversed(children)


def _operation(node: ast.AST) -> str:
    """The operation that a node is; empty where it is none."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return f"{name}()" if hasattr(builtins, name) else OWN
        case ast.Call(func=ast.Attribute(attr=name)):
            return f".{name}()"
        case ast.Call():
            return OWN
        case _ if isinstance(node, EVERYWHERE):
            return ""
        case _ if isinstance(node, (*KINDS, *EXPRESSIONS)):
            return type(node).__name__
        case _:
            return ""


def _clauses(text: str) -> list[str]:
    """The kind of every part of an instruction."""
    parts = [" ".join(part.split()).strip(" .") for part in basic.PART.findall(visible(clean_text(text)))]
    return [_kind(part) for part in parts if part]


def _kind(part: str) -> str:
    if (clause := basic.read_clause(part)) is not None:
        return clause.kind
    known = ifeval.read_clause(part)
    return OTHER if known is None else known.id


def _words(text: str) -> Sequence[str]:
    return words(fold(clean_text(text[:MAX_WORD_CHARS])))
