"""Where the answer to a question about a program stands in a reply: a value, an argument list, or programs. Linear time.

All rules look only at what `read_reply` says counts.
"""

from __future__ import annotations

import ast
import re

from ..core.syntax import module_tree
from .extraction import answer_line, last_boxed
from .parsing import Parsed, fence, read_reply

MAX_EQUATION_CHARS = 20_000
CONTINUATION = "```continuation\n"
"""In front of an answer that is no fenced block, but a whole reply, which may go on where a prompt ends."""
_OPEN, _CLOSE = "[ANSWER]", "[/ANSWER]"
_ASSERT = re.compile(r"^[ \t`>*]*(assert[ \t].*)$", re.MULTILINE)


def labelled_answer(reply: Parsed, label: str) -> str | None:
    r"""Where a value or an argument list stands in a reply: the first of these that there is.

    The last block labelled `label` (or the only block, without a label); what the last `[ANSWER]` ... `[/ANSWER]` holds, which
    may lack either end, since prompts open it; the last line that is an `assert`; the last `Answer:` line, or the fenced block
    behind it; the last `\boxed{}`. None where there is none of them.
    """
    blocks = reply.bodies(label)
    if blocks:
        return blocks[-1].strip()
    text = reply.answer
    asserts = _ASSERT.findall(text)
    found = _tagged(text) or (asserts[-1] if asserts else None) or answer_line(text) or last_boxed(text)
    if found is not None and found.startswith("```"):
        fences = read_reply(found).fences or reply.fences
        return fences[-1].body.strip() if fences else None
    return None if found is None else _bare(found)


def returned_value(text: str) -> str:
    """The right side of an answer such as `assert f(2) == 4` or `f(2) == 4`; any other text as it is."""
    equation = _equation(text)
    if equation is None:
        return text
    value = _segment(text, equation.comparators[0])
    return f"({value}\n)" if "\n" in value else value  # which may have stood in parentheses over several lines


def argument_list(text: str) -> str:
    """What an answer such as `assert f(2) == 4`, `f(2) == 4` or `f(2)` holds in its parentheses; any other text as it is."""
    equation = _equation(text)
    call = _expression(text) if equation is None else equation.left
    if not isinstance(call, ast.Call) or (equation is None and not _names_f(call)):
        return text
    whole = _segment(text, call)
    return whole[len(_segment(text, call.func)) :].strip()[1:-1].strip()


def program_blocks(reply: Parsed) -> str:
    """The only `python` block of a reply; several, as fenced blocks one after another; or `CONTINUATION` and all that counts.

    The empty text where nothing counts. `read_blocks` is the inverse: no program begins with a fence.
    """
    blocks = reply.bodies("python")
    if not blocks:
        return CONTINUATION + reply.answer if reply.answer.strip() else ""
    return blocks[0] if len(blocks) == 1 else "\n".join(fence("python", block) for block in blocks)


def read_blocks(text: str) -> list[str]:
    """The blocks in a text that `program_blocks` returned; none in a continuation."""
    if text.startswith(CONTINUATION):
        return []
    return read_reply(text).bodies("python") if text.startswith("```python\n") else [text]


def _tagged(text: str) -> str | None:
    end = text.rfind(_CLOSE)
    start = text.rfind(_OPEN, 0, len(text) if end < 0 else end)
    if start < 0 and end < 0:
        return None
    inside = text[0 if start < 0 else start + len(_OPEN) : len(text) if end < 0 else end]
    return inside.strip() or None


def _bare(text: str) -> str:
    """A text without the backticks around it."""
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == "`" else text


def _equation(text: str) -> ast.Compare | None:
    """The one `f(...) == ...` that a text consists of, asserted or not."""
    match _expression(text):
        case ast.Compare(left=ast.Call(), ops=[ast.Eq()], comparators=[_]) as equation:
            asserted = text.lstrip().startswith("assert")
            return equation if asserted or _names_f(equation.left) else None
        case _:
            return None


def _expression(text: str) -> ast.expr | None:
    tree = module_tree(text.strip()) if len(text) <= MAX_EQUATION_CHARS else None
    match tree:
        case ast.Module(body=[ast.Expr(value=value) | ast.Assert(test=value)]):
            return value
        case _:
            return None


def _names_f(call: ast.expr) -> bool:
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "f"


def _segment(text: str, node: ast.expr) -> str:
    return ast.get_source_segment(text.strip(), node) or text
