"""Fenced blocks of a reply, found by a CommonMark parser (markdown-it-py), with three exceptions. Linear time.

CommonMark decides what a fence is: backticks or tildes, three or more, in list items and block quotes too, indented by at most
three columns; a label is the first word of the info string. Only blocks matter here, so the parser's rules for HTML,
headings and link definitions, none of which may swallow a fence, are off, and so is everything inside paragraphs. Where models
do not keep to CommonMark, three exceptions hold:

1. A fence that ends the last line of a block closes it (`return x```), where nothing else does.
2. A block that nothing closes does not count. It was left open, so it goes no further than the first line that holds only a
   tag or an end mark; a block that goes on after such a line to one that starts with another fence was left open too.
3. Where a program does not parse as Python, and does when it is extended to a later closing fence, the longer one counts:
   the fences between stand in its strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.rules_block import StateBlock, blockquote, fence, list_block

from ..core.syntax import module_tree
from .tags import LONE, Lines

# Hostile replies: markdown-it takes up to 50 microseconds for a line of nested lists, under one for other lines, and the limits
# below keep 200,000 characters under 0.2 s. A reply of 32,000 tokens that reaches one of them is no longer an answer.
MAX_LINES_WITH_LISTS = 3_000  # longer replies are read as if there were no list items and block quotes
MAX_NESTING = 6  # a list takes two levels, a block quote one; marks of deeper ones are read as text
MAX_BLOCKS = 5_000
MAX_LEFT_OPEN = 2  # blocks that are cut at a tag, each after a look at all that follows: one in a thought, one in an answer
MAX_EXTENSIONS = 12  # closing fences that one program is extended to
MAX_PARSED_CHARS = 50_000  # of programs with long strings, over all attempts; one program may have 8,192

PYTHON = re.compile(r"py(thon)?(3(\.\d+)?)?")


class Block(NamedTuple):
    """A closed block: its label (see `label_of`) and body, and the indices of its first line and of the one after its last."""

    label: str
    body: str
    first: int
    end: int


class _Span(NamedTuple):
    """A block as markdown-it reads it: its opening fence's marker and label, its lines, whether a fence closes it, its end."""

    marker: str
    label: str
    lines: list[str]
    closed: bool
    end: int


@dataclass
class _Reading:
    """State of one reading: the blocks so far, and the work that is still allowed."""

    text: Lines
    blocks: list[Block] = field(default_factory=list[Block])
    left_open: int = MAX_LEFT_OPEN
    parsed_chars: int = MAX_PARSED_CHARS


def label_of(info: str) -> str:
    """The first word of an info string in lower case; all names of Python (`py`, `python3` ...) are `python`."""
    word = (info.lower().split() or [""])[0]
    return "python" if PYTHON.fullmatch(word) else word


def find_blocks(text: Lines) -> list[Block]:
    """The closed blocks, in order.

    Lines of bodies end with LF; otherwise bodies stand as in the text, less the indentation of list items, the marks
    of block quotes and the indentation of the opening fence.
    """
    reading = _Reading(text)
    parser = _PARSER if len(text.lines) <= MAX_LINES_WITH_LISTS else _PARSER_WITHOUT_LISTS
    # only the block parser: the parser as a whole would replace NUL characters, and look into paragraphs
    parser.block.parse("\n".join(text.lines) + "\n", parser, {"reading": reading}, [])
    return reading.blocks


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """markdown-it's rule for fences with our exceptions: whether the line `start` opens a block; reads it unless `silent`."""
    reading: _Reading = state.env["reading"]
    if len(reading.blocks) >= MAX_BLOCKS or not fence(state, start, end, True):
        return False
    if silent:
        return True
    span = _read(state, start, end)
    program = _program(state, start, end, span)
    if program is not None:
        span = program
    elif reading.left_open and (tag := _left_open_at(span)) is not None:
        reading.left_open -= 1
        span = _read(state, start, start + 1 + tag)
    lines = span.lines if span.closed else _closed_by_last_line(span)
    if lines is not None:
        reading.blocks.append(Block(span.label, reading.text.join(lines, start + 1), start, span.end))
    state.line = span.end
    return True


def _read(state: StateBlock, start: int, end: int) -> _Span:
    """The block that opens at line `start` and ends before line `end`, as CommonMark has it."""
    fence(state, start, end, False)
    token = state.tokens.pop()
    lines = token.content.split("\n")[:-1]
    return _Span(token.markup, label_of(token.info), lines, state.line - start - 1 > len(lines), state.line)


def _program(state: StateBlock, start: int, end: int, span: _Span) -> _Span | None:
    """The shortest of a program with long strings and its extensions to later closing fences that parses (exception 3)."""
    reading: _Reading = state.env["reading"]
    passed_over: list[int] = []
    program = None
    while span.closed and span.label == "python" and len(passed_over) <= MAX_EXTENSIONS:
        source = reading.text.join(span.lines, start + 1)
        if not ('"""' in source or "'''" in source) or len(source) > reading.parsed_chars:
            break
        reading.parsed_chars -= len(source)
        if module_tree(source) is not None:
            program = span
            break
        passed_over.append(span.end - 1)
        state.sCount[span.end - 1] += 4  # a fence that is indented by four columns closes nothing
        span = _read(state, start, end)
    for line in passed_over:
        state.sCount[line] -= 4
    return program


def _left_open_at(span: _Span) -> int | None:
    """Where a block was left open (exception 2): the index among its lines of the one that holds only tags, or None."""
    tag = next((index for index, line in enumerate(span.lines) if "<" in line and LONE.fullmatch(line)), None)
    if tag is None:
        return None
    ended = not span.closed or _closed_by_last_line(span._replace(lines=span.lines[:tag])) is not None
    return tag if ended or any(line.lstrip(" ").startswith(span.marker) for line in span.lines[tag + 1 :]) else None


def _closed_by_last_line(span: _Span) -> list[str] | None:
    """The lines of a block without the fence that ends the last of them that is not blank (exception 1); None without one."""
    last = len(span.lines) - 1
    while last >= 0 and not span.lines[last].strip():
        last -= 1
    line = span.lines[last].rstrip() if last >= 0 else ""
    text = line.rstrip(span.marker[0])
    if len(line) - len(text) < len(span.marker):
        return None
    return span.lines[:last] + ([text.rstrip(" \t")] if text.strip() else [])


def _line(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A paragraph of one line, cheaper than markdown-it's; where there are no lists and quotes it makes no difference."""
    state.line = start + 1
    return True


def _shallow(rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """The rule, down to a depth of nesting; markdown-it itself would skip the whole rest of a text that nests too deep."""
    return lambda state, start, end, silent: state.level < MAX_NESTING and rule(state, start, end, silent)


def _parser(*rules: str) -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    ends = ["paragraph", "blockquote", "list"]  # what a line of that kind ends, as in markdown-it
    parser.block.ruler.at("fence", _rule, {"alt": ends})
    parser.block.ruler.at("blockquote", _shallow(blockquote), {"alt": ends})
    parser.block.ruler.at("list", _shallow(list_block), {"alt": ["paragraph", "blockquote"]})
    parser.block.ruler.push("line", _line)
    parser.block.ruler.enableOnly(["code", "fence", *rules])
    parser.block.ruler.getRules("")  # compiles the rules, which two threads must not do at once
    return parser


_PARSER, _PARSER_WITHOUT_LISTS = _parser("blockquote", "hr", "list", "paragraph"), _parser("line")
