"""Static checks of proposed programs, and their identity: what can be said of a program without running it.

A *quality* gate, not a wall: the sandbox contains what a program does; this names the proposals that are not fit to
be a task (no entry point, clocks, randomness), so that a proposer learns why it was refused.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from functools import lru_cache

MAX_PROGRAM_CHARS = 8_192

BANNED_IMPORTS = frozenset(
    """
    asyncio calendar concurrent ctypes datetime gc hashlib hmac http importlib inspect io logging multiprocessing
    os pathlib pickle platform random secrets select shutil signal socket ssl subprocess sys tempfile threading
    time tracemalloc urllib uuid
    """.split()
)
"""Top-level modules a proposal may not import: sources of non-determinism, of side effects, or of nothing to reason about."""


_REACHING = frozenset("getattr setattr delattr globals locals vars eval exec compile open f_back f_globals f_builtins".split())
"""Builtins and attributes by which a program could reach what it does not name."""


def parse_program(source: str) -> ast.Module | str:
    """The syntax tree, or the reason there is none: `program_too_long` or `syntax_error`. Never raises."""
    if len(source) > MAX_PROGRAM_CHARS:
        return "program_too_long"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in somebody else's string is not our news
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "syntax_error"


def program_fault(source: str, entry_point: str = "f") -> str | None:
    """Why a proposed program is not fit to be a task, or None.

    Returns:
        `program_too_long`, `syntax_error`, `banned_import`, `no_entry_point` (no top-level function of that name),
        `no_parameter`, or None.
    """
    tree = parse_program(source)
    if isinstance(tree, str):
        return tree
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] in BANNED_IMPORTS for name in names):
            return "banned_import"
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
    if not functions:
        return "no_entry_point"
    arguments = functions[-1].args
    return None if arguments.posonlyargs or arguments.args or arguments.kwonlyargs or arguments.vararg else "no_parameter"


@lru_cache(maxsize=4_096)
def keeps_to_itself(source: str) -> bool:
    """Whether no call of a program can leave anything for another call in the same process, which runs it in fresh globals.

    What calls share are modules and builtins; so False where the text imports, or could reach either of them by a name.
    """
    tree = parse_program(source)
    if isinstance(tree, str):
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            return False
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in _REACHING or (name.startswith("__") and name != "__init__") or "frame" in name:
            return False
    return True


def program_key(source: str) -> str:
    """Sixteen hex digits that name a program by its syntax tree: layout, comments and annotations do not count.

    Text that does not parse is named by itself.
    """
    tree = parse_program(source)
    try:
        text = source if isinstance(tree, str) else ast.dump(_without_annotations(tree), annotate_fields=False)
    except RecursionError:
        text = source
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _without_annotations(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    return tree
