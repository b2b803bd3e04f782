"""LiveCodeBench's execution form: predict what a call returns, on programs of contests that are newer than most models."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping

from ..core.errors import UsageError
from ..core.syntax import module_tree
from ..sources.rows import Row
from .declare import Benchmark

IMPORTS: Mapping[str, tuple[str, ...]] = {
    "bisect": ("bisect_left", "bisect_right", "insort"),
    "collections": ("Counter", "OrderedDict", "defaultdict", "deque"),
    "copy": ("deepcopy",),
    "functools": ("cache", "lru_cache", "partial", "reduce"),
    "heapq": ("heapify", "heappop", "heappush", "merge"),
    "itertools": tuple(
        "accumulate chain combinations count cycle groupby islice permutations product repeat zip_longest".split()
    ),
    "math": ("ceil", "comb", "floor", "gcd", "inf", "isqrt", "log", "log10", "log2", "prod", "sqrt"),
    "operator": ("iand", "itemgetter", "sub"),
    "os.path": ("commonprefix",),
    "random": ("randrange", "shuffle"),
    "string": ("ascii_lowercase",),
    "typing": ("Any", "Callable", "Dict", "Generator", "Iterable", "Iterator", "List", "Optional", "Set", "Tuple", "Union"),
}
"""Names that the public harness imports for every program, which uses them as if they were builtins."""
_MODULES = (
    "bisect",
    "collections",
    "copy",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "random",
    "re",
    "string",
    "sys",
)


def _convert(row: Row) -> Row:
    call = module_tree(row["input"])
    match call:
        case ast.Module(body=[ast.Expr(value=ast.Call(func=ast.Name(id=name) as function))]):
            arguments = row["input"].strip()[function.end_col_offset :].strip()[1:-1]
        case _:
            raise UsageError(f"input={row['input']!r:.60} is no call of a function; give the benchmark's own file.")
    alias = "" if name == "f" else f"\n\nf = {name}"
    program = with_imports(row["code"].rstrip()) + alias
    return {"id": row["id"], "code": program, "input": arguments, "output": row["output"]}


def with_imports(program: str) -> str:
    """A program with imports of the names of `IMPORTS` that it uses and does not bind in front."""
    tree = module_tree(program)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)] if tree else []
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | set(dir(builtins))
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.alias(name=name, asname=alias):
                bound.add(alias or name.partition(".")[0])
            case _:
                pass
    free = {node.id for node in names} - bound
    lines = [f"import {module}" for module in _MODULES if module in free]
    for module, offered in IMPORTS.items():
        if used := [name for name in offered if name in free]:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join([*lines, "", program]) if lines else program


livecodebench_exec = Benchmark(
    name="livecodebench-exec",
    hub="livecodebench/execution-v2",
    rows=479,
    convert=_convert,
    verifier="deduction:expressions=1",
    licence="CC (the hub's tag; the code is MIT)",
    url="https://github.com/LiveCodeBench/LiveCodeBench",
    paper="arXiv:2403.07974",
    notes=(
        "The public harness puts imports of the standard library, numpy and pandas in front of every program; here the program "
        "shows those that it uses, without the last two, and is called by the name `f`. It executes `assert OUTPUT == ANSWER`, "
        "so that an answer may equal everything; here values are compared. It samples 10 replies at temperature 0.2."
    ),
)
