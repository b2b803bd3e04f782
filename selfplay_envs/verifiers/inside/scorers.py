"""Runs inside the sandbox: other people's scorers, which evaluate texts, with a gate before every place where they would.

Never imported by the environments themselves: its text is a job's program. The packages that it imports are the job's.

An answer is read by sympy, or by a scorer's `eval`, in the process that gives the verdict. Text that could call what it likes
there would decide its own verdict, so what is evaluated must be an expression of numbers, named variables and the functions
of school mathematics. Nothing that is called is found by an attribute, a subscript or a text.
"""

import ast
import builtins
import hashlib
import importlib
import logging
import re
import sys
from collections.abc import Callable, Collection
from typing import Any

FUNCTIONS = frozenset(
    """
    Integer Float Rational Symbol Function Add Mul Pow Abs abs Mod sqrt cbrt root exp log ln sin cos tan cot sec csc asin acos
    atan acot sinh cosh tanh asinh acosh atanh erf factorial binomial gcd lcm Min Max
    """.split()
)
CONSTANTS = frozenset("pi E I oo zoo".split())
_NODES = (
    *(ast.Expression, ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.Name, ast.Call, ast.keyword, ast.Load),
    *(ast.unaryop, ast.operator),
)
_PROGRAM_NODES = (ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return)
_PLAIN_TEXT = re.compile(r"(?!.*__)[\w.+\- ]{0,200}")


class Refused(ValueError):
    """Text that is not evaluated."""


def demand_harmless(code: str, names: Collection[str] = ()) -> str:
    """The code itself, if it is an expression as above.

    Args:
        code: Python source.
        names: Further names that may stand in it.

    Raises:
        Refused: It is anything else.
    """
    try:
        tree = ast.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused("no expression") from None
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                pass
            case ast.Call(func=ast.Call(func=ast.Name(id="Function"))):
                pass
            case ast.Call():
                raise Refused("a call of something else")
            case ast.Name(id=name) if name not in FUNCTIONS and name not in CONSTANTS and name not in names:
                raise Refused("a name")
            case ast.Constant(value=str(text)) if not _PLAIN_TEXT.fullmatch(text):
                raise Refused("a text")
            case ast.keyword(arg=argument) if argument != "evaluate":
                raise Refused("a keyword")
            case _ if not isinstance(node, _NODES):
                raise Refused(type(node).__name__)
            case _:
                pass
    return code


def gated_eval(code: str, *_: Any) -> Any:
    """`eval` of a literal, or of arithmetic with numbers; in place of the builtin in modules that evaluate answers."""
    return builtins.eval(demand_harmless(code), {"__builtins__": {}})


def close_gates() -> None:
    """Puts the gate in front of sympy's two ways from text to code, and of every `eval` of a scorer that is loaded."""
    parser = importlib.import_module("sympy.parsing.sympy_parser")
    lambdify = importlib.import_module("sympy.utilities.lambdify")
    stringify = parser.stringify_expr

    def harmless(text: str, local_dict: Any, *rest: Any) -> str:
        return demand_harmless(stringify(text, local_dict, *rest), local_dict or ())

    vars(parser)["stringify_expr"] = harmless
    vars(lambdify)["compile"] = refuse  # it would write names of symbols into a program
    for name, module in list(sys.modules.items()):
        if name.startswith("reasoning_gym."):
            vars(module)["eval"] = gated_eval


def refuse(*_: Any) -> Any:
    """Stands for what is never done here."""
    raise Refused("code made of symbols")


def math_verdict(strict: bool, abs_tol: float, rel_tol: float, gold: str, answer: str) -> str:
    """Whether an answer in LaTeX equals the gold one, by math-verify.

    Args:
        strict: math-verify's: whether variables have names, and sets differ from tuples.
        abs_tol: Largest difference of numbers, besides what math-verify takes for equal.
        rel_tol: The same as a share of the gold number.
        gold: LaTeX, or a plain number or expression.
        answer: The same: hostile.

    Returns:
        `right`, `wrong`, `gold_unreadable`, or `answer_unreadable`.
    """
    logging.disable()
    grader = importlib.import_module("math_verify.grader")
    close_gates()
    golds, answers = _parse(gold), _parse(answer)
    if grader.verify(golds, answers, strict=strict, timeout_seconds=None):
        return "right"
    for parsed, fault in ((golds, "gold_unreadable"), (answers, "answer_unreadable")):
        if all(isinstance(one, str) for one in parsed):
            return fault
    if (abs_tol or rel_tol) and any(_near(one, other, abs_tol, rel_tol) for one in golds for other in answers):
        return "right"
    return "wrong"


def _parse(text: str) -> list[Any]:
    """What math-verify's `parse` makes of a boxed text, without its search for where in a reply the answer stands."""
    parser = importlib.import_module("math_verify.parser")
    latex = parser.LatexExtractionConfig()
    box = re.compile(r"(?P<first_latexBoxed>\\boxed{.+})", re.DOTALL)
    return parser.extract_target_from_pred(f"\\boxed{{{text}}}", [([(box, 50)], latex)], fallback_mode="first_match")


def _near(gold: Any, answer: Any, abs_tol: float, rel_tol: float) -> bool:
    """Whether two numbers, or two sets or tuples of as many, are as near as allowed; of equations, their right sides."""
    golds, answers = _values(gold), _values(answer)
    if golds is None or answers is None or len(golds) != len(answers):
        return False
    return all(abs(a - g) <= max(abs_tol, rel_tol * abs(g)) for g, a in zip(golds, answers, strict=True))


def _values(thing: Any) -> list[complex] | None:
    """The finite values of a number or of a collection of numbers, those of a set in order; None: it is something else."""
    kind = type(thing).__name__
    parts: list[Any] = list(thing.args) if kind in ("FiniteSet", "Tuple") else [thing]
    try:
        values = [complex(getattr(part, "rhs", part).evalf()) for part in parts]
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        return None
    if not all(abs(value) < float("inf") for value in values):
        return None
    return values if kind == "Tuple" else sorted(values, key=lambda value: (value.real, value.imag))


def gym_score(
    name: str, options: dict[str, Any], index: int, digest: str, gold: str | None, metadata: str, answer: str
) -> tuple[str, float]:
    """The score that a dataset of reasoning-gym gives to an answer.

    Args:
        name: Of the dataset.
        options: Its configuration.
        index: Of the problem in it.
        digest: Of the question, SHA-256 in hex.
        gold: The gold answer, if there is one.
        metadata: What else the scorer is to know of the problem, as a literal; empty: the problem is made here anew.
        answer: Hostile.

    Returns:
        `("scored", score)`, or `("gold_changed", 0.0)`: that problem now asks something else.
    """
    logging.disable()
    gym = importlib.import_module("reasoning_gym")
    make: Callable[..., Any] = gym.create_dataset
    dataset = make(name, **options)
    entry: dict[str, Any]
    if metadata:
        entry = {"question": "", "answer": gold, "metadata": ast.literal_eval(metadata)}
    else:
        entry = dataset[index]
        if hashlib.sha256(entry["question"].encode()).hexdigest() != digest:
            return "gold_changed", 0.0
    close_gates()
    return "scored", float(dataset.score_answer(answer, entry))
