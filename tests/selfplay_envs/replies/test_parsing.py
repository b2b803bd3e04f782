"""What counts of a reply: tables of texts and of what a reader finds in them; and that no text is too hard."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from selfplay_envs.replies.parsing import answer_part, bodies, fence, fences, read_reply

FIVE = "```output\n5\n```"
SEVEN = "```output\n7\n```"

BLOCKS = {
    "several, with words around": (
        "text\n```Python\na\n\nb\n```\n  ```input\n1\n  ```\n```\nplain\n```\n```output\ncut off",
        [("python", "a\n\nb"), ("input", "1"), ("", "plain")],
    ),
    "tildes": ("~~~output\n5\n~~~", [("output", "5")]),
    "four backticks hold three": ("````output\n```\n5\n```\n````", [("output", "```\n5\n```")]),
    "tildes hold backticks": ("~~~output\n```\n~~~", [("output", "```")]),
    "a longer fence closes": ("```output\n5\n`````", [("output", "5")]),
    "a shorter fence does not": ("````output\n5\n```", []),
    "the other kind does not": ("```output\n5\n~~~", []),
    "a fence with a word does not": ("```output\n5\n```x\n6\n```", [("output", "5\n```x\n6")]),
    "three columns in": ("   ```output\n   5\n  6\n ```", [("output", "5\n6")]),
    "four columns in is indented code": ("    ```output\n    5\n    ```", []),
    "a tab in is indented code": ("\t```output\n\t5\n\t```", []),
    "an over-indented fence closes nothing": ("```output\n5\n    ```\n6\n```", [("output", "5\n    ```\n6")]),
    "list item": (
        "1. The program:\n\n   ```python\n   def f(x):\n       return x\n   ```",
        [("python", "def f(x):\n    return x")],
    ),
    "list items": ("- ```input\n  1\n  ```\n- ```input\n  2\n  ```", [("input", "1"), ("input", "2")]),
    "list in a list": ("- a\n  - ```output\n    5\n    ```", [("output", "5")]),
    "block quote": ("> ```output\n> 5\n> ```", [("output", "5")]),
    "after a list without a blank line": ("- so it is\n- five\n" + FIVE, [("output", "5")]),
    "after a paragraph without a blank line": ("five:\n" + FIVE + "\nindeed", [("output", "5")]),
    "inline code is no block": ("the ```output 5``` block", []),
    "words before a fence": ("five: ```output", []),
    "py": ("```py\nx\n```", [("python", "x")]),
    "python3": ("```python3\nx\n```", [("python", "x")]),
    "Python": ("``` Python \nx\n```", [("python", "x")]),
    "PY3 with a title": ('```PY3 title="f.py" {1}\nx\n```', [("python", "x")]),
    "other languages stay": ("```pyramid\nx\n```\n```cpython\ny\n```", [("pyramid", "x"), ("cpython", "y")]),
    "first word of a label": ("```OUTPUT of f\n5\n```", [("output", "5")]),
    "empty and blank bodies": (
        "```output\n```\n```output\n\n```\n```output\n \n\n```",
        [("output", t) for t in ("", "", " \n")],
    ),
    "spaces and tabs stay": ("```output\n\t5 \t\n```  \t", [("output", "\t5 \t")]),
    "CRLF": ("text\r\n```output\r\n5\r\n6\r\n```\r\n", [("output", "5\n6")]),
    "CR": ("```output\r5\r```\r", [("output", "5")]),
    "other line ends are text": ("```output\n5\u2028\x0b\x0c\x85```\n6\n```", [("output", "5\u2028\x0b\x0c\x85```\n6")]),
    "NUL": ("\0\n```output\n'\0'\n```", [("output", "'\0'")]),
    "lone surrogate": ("```output\n'\ud800'\n```", [("output", "'\ud800'")]),
    "HTML swallows nothing": ("<div>\n" + FIVE + "\n</div>\n<!--\n" + SEVEN, [("output", "5"), ("output", "7")]),
    "HTML tag glued to words": ("<pre>text\n" + FIVE + "\n</pre>", [("output", "5")]),
    "link definitions swallow nothing": ('[a]: /b "\n' + FIVE, [("output", "5")]),
    "underlined headings": ("Answer\n===\n" + FIVE + "\n---\n", [("output", "5")]),
    # 1. a fence that ends the last line closes
    "glued to the last line": ("```output\n5```", [("output", "5")]),
    "glued to the last of several, blanks after": ("~~~python\nx = 1\nx += 1 ~~~ \n\n", [("python", "x = 1\nx += 1")]),
    "glued in a list item": ("- ```output\n  5```\n\nThat is all.", [("output", "5")]),
    "glued, then an end mark": ("```output\n5```<|im_end|>\n", [("output", "5")]),
    "glued, then the closing tag": ("<answer>\n```output\n5```\n</answer>\nas\n```\nx\n```", [("output", "5")]),
    "indented on the last line": ("```output\n5\n        ```", [("output", "5")]),
    "too short on the last line": ("````output\n5```", []),
    "not on the last line": ("```output\n5```\nindeed", []),
    # 2. an unclosed block never counts
    "unclosed": ("```input\n1\n```\n```output\n5\n", [("input", "1")]),
    "unclosed at the end of a list item": ("- ```output\n  5\n\nwords", []),
    "left open before a tag": ("```python\ndef f(\n</think>\n" + FIVE, [("output", "5")]),
    "left open before an end mark": ("```output\n5\n<|im_end|>\n<|im_start|>user\n" + SEVEN, [("output", "7")]),
    # 3. fences inside a program's strings
    "docstring with fences": (
        '```python\ndef f(x):\n    """Doubles.\n\n```\nf(1)\n  ```\n    """\n    return x * 2\n```\n```input\n1\n```',
        [("python", 'def f(x):\n    """Doubles.\n\n```\nf(1)\n  ```\n    """\n    return x * 2'), ("input", "1")],
    ),
    "docstring with indented fences": (
        "```py\ndef f(x):\n    '''\n    ```\n    f(1)\n    ```\n    '''\n    return x\n```",
        [("python", "def f(x):\n    '''\n    ```\n    f(1)\n    ```\n    '''\n    return x")],
    ),
    "docstring with a fence in a list item": (
        "- ```python\n  '''\n  ```\n  '''\n  ```\n- ```input\n  1\n  ```",
        [("python", "'''\n```\n'''"), ("input", "1")],
    ),
    "docstring with tags": (
        '```python\n"""\n</think>\n```python\n<answer>\n"""\n```\n```input\n1\n```',
        [("python", '"""\n</think>\n```python\n<answer>\n"""'), ("input", "1")],
    ),
    "no longer program parses": ("```python\n'''\n```\n```input\n1\n```", [("python", "'''"), ("input", "1")]),
    "a program that parses stays": ("```python\n'''a'''\n```\n\n```\n'''b'''\n```", [("python", "'''a'''"), ("", "'''b'''")]),
    "only programs are extended": ("```output\n'''\n```\n'''\n```", [("output", "'''")]),
}

REPLIES = {
    "all of it": (FIVE, "5"),
    "after the thought": (f"<think>{SEVEN}</think>\n{FIVE}", "5"),
    "after the last thought": (f"<think>a</think>\n{SEVEN}\n<think>no</think>\n{FIVE}", "5"),
    "the prompt opened the thought": (f"maybe\n{SEVEN}\nno, 5.</think> So:\n{FIVE}", "5"),
    "the prompt opened the thought, which has an answer": (f"<answer>\n{SEVEN}\n</answer>\nno\n</think>\n{FIVE}", "5"),
    "thoughts do not nest": (f"<think>a <think>b</think>\n{FIVE}", "5"),
    "a second closing tag": (f"<think>a</think>\n{SEVEN}\n</think>\n{FIVE}", "5"),
    "a thought in one line": (f"<think>It is 5 </think> so the answer is\n{FIVE}", "5"),
    "a thought with blocks": (f"<think>\n{SEVEN}\n```python\n'</think>'\n```\n{SEVEN}\n</think>\n{FIVE}", "5"),
    "a thought that leaves a block open": (f"<think>\n```python\ndef f(x):\n</think>\n{FIVE}", "5"),
    "the same, and answer tags": (f"<think>\n```\ndef f(x):\n</think>\n<answer>\n{FIVE}\n</answer>", "5"),
    "answer tags": (f"{SEVEN}\n<answer>\n{FIVE}\n</answer>\n{SEVEN}", "5"),
    "the last answer": (f"<answer>\n{SEVEN}\n</answer>\n<answer>\n{FIVE}\n</answer>", "5"),
    "the last closed answer": (f"<answer>\n{FIVE}\n</answer>\n<answer>\n{SEVEN}", "5"),
    "answer in an answer": (f"<answer>\n{SEVEN}\n<answer>\n{FIVE}\n</answer>\n</answer>", "5"),
    "answer before a thought": (f"<answer>\n{FIVE}\n</answer>\n<think>right?</think>\nDone.", "5"),
    "thought in an answer": (f"<answer>\n<think>\n{SEVEN}\n</think>\n{FIVE}\n</answer>", "5"),
    "answers in thoughts": (f"<think>\n<answer>\n{SEVEN}\n</answer>\n</think>\n{FIVE}", "5"),
    "unclosed answer": (f"<think>a</think><answer>\n{FIVE}", "5"),
    "upper case and blanks": (f"< THINK >{SEVEN}\n</ Think ><Answer >\n{FIVE}\n</ANSWER>", "5"),
    "other tags": (f"<thinking>a\n{FIVE}", "5"),
    # merely named
    "named after the answer": (f"<answer>\n{FIVE}\n</answer>\nI put it in the <answer> tag.", "5"),
    "both named after the answer": (f"<answer>\n{FIVE}\n</answer>\nI put it between <answer> and </answer>.", "5"),
    "named with dots": (f"<answer>\n{FIVE}\n</answer>\nAs asked: <think>...</think>, then <answer>...</answer>.", "5"),
    "named in backticks": (f"{FIVE}\nI left out `<think>`, `</think>` and ```<answer>```.", "5"),
    "named in quotes": (f"{FIVE}\nI left out '<think>', \"</think>\" and (</think>).", "5"),
    "named before the answer": (f"The <answer> tag comes after the <think> tag.\n<answer>\n{FIVE}\n</answer>", "5"),
    "named in the thought": (f"<think>put it between <answer> and </answer></think>\n{FIVE}", "5"),
    "named in the thought, on lines": (f"<think>\nfirst\n<answer>\nthen the block\n</think>\n{FIVE}", "5"),
    "closing tag named in the thought": (f"<think>I write `</think>` at last.\n{SEVEN}\n</think>\n{FIVE}", "5"),
    "closing tag named after the answer": (f"{FIVE}\nI used no </think> tag.", "5"),
    # glued to fences and end marks
    "thought, fence": (f"so 5</think>{FIVE}", "5"),
    "thought, answer, fence": (f"<think>a</think><answer>{FIVE}</answer>", "5"),
    "fence, thought, fence": (f"<think>\n{SEVEN}</think>{FIVE}", "5"),
    "words, answer, blank, fence": (f"The answer is: <answer> {FIVE} </answer> Done.", "5"),
    "answer, tildes": ("<answer>~~~output\n5\n~~~</answer>", "5"),
    "fence, end mark": (f"{FIVE}<|im_end|>", "5"),
    "fence, end of sequence": (f"{FIVE} </s>", "5"),
    "fence, DeepSeek's end mark": (f"{FIVE}<\uff5cend\u2581of\u2581sentence\uff5c>", "5"),
    "fence, answer, end marks": (f"<answer>{FIVE}</answer><|im_end|><|endoftext|>", "5"),
    "glued on both ends": ("<answer>```output\n5```</answer>", "5"),
    "in a block quote": ("> <answer>```output\n> 5\n> ```</answer>", "5"),
    "in a list item": ("1. So\n   <answer>```output\n   5\n   ```</answer>", "5"),
    # nothing
    "a closed answer without a fence": (f"{SEVEN}\n<answer>5</answer>", None),
    "the same on lines": (f"{SEVEN}\n<answer>\n5\n</answer>", None),
    "nothing after the thought": (f"<think>a</think>\n{SEVEN}\n</think>", None),
    "unclosed thought": (f"<think>Maybe\n{SEVEN}\nno, wait", None),
    "unclosed second thought": (f"<think>a</think>\n{SEVEN}\n<think>no, wait", None),
    "unclosed thought amid a line": (f"Sure! <think>Maybe\n{SEVEN}\nno, wait", None),
    "unclosed thought with answer tags": (f"<think>\n<answer>\n{SEVEN}\n</answer>", None),
    "closing tag only in a block": (f"<think>\n```python\nprint('</think>')\n```\n{SEVEN}", None),
    "empty": ("", None),
}

PROGRAMS = {
    "a tag in a string": "def f(x):\n    return '</think>' + x",
    "tags in strings": "def f(x):\n    return x.replace('<answer>', '</answer>') + '<think>'",
    "a tag after a string's fence": "def f(x):\n    return '</think>```python' + x + '```</answer>'",
    "a fence after a tag at a line's end": "def f(x):\n    return x  # </think>```",
    "an end mark": "def f(x):\n    return x + '```<|im_end|>'",
    "tags alone on their lines": "'''\n<think>\n</answer>\n'''\ndef f(x):\n    return x",
    "doctest": "def f(x):\n    '''\n>>> f('</think>```')\n    '''",
}


@pytest.mark.parametrize(("text", "found"), BLOCKS.values(), ids=BLOCKS)
def test_blocks(text, found):
    assert fences(text) == found


@pytest.mark.parametrize(("text", "output"), REPLIES.values(), ids=REPLIES)
def test_what_counts_of_a_reply(text, output):
    assert bodies(text, "output") == ([] if output is None else [output])


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize(
    "around", ["{}", "<think>a</think>{}", "<answer>\n{}</answer>", "a</think><answer>{}\n</answer><|im_end|>"]
)
def test_tags_in_a_program_are_code(program, around):
    reply = around.format(f"```python\n{program}\n```\n```input\n'a'\n```")
    assert bodies(reply, "python") == [program]
    assert bodies(reply, "input") == ["'a'"]


@pytest.mark.parametrize("text", ["<think>Maybe\n" + FIVE, "<think>", f"{FIVE}\n<think>\nno, `</think>`", "a</think>b<think>c"])
def test_a_reply_that_ends_in_a_thought_is_at_fault(text):
    for reason, fault in (("stop", "unclosed_thought"), ("length", "thought_cut_off")):
        reply = read_reply(text, reason)
        assert (reply.fault, reply.answer, reply.fences) == (fault, "", ())
        assert reply.bodies("output") == []


@pytest.mark.parametrize("text", ["", FIVE, "<think>a</think>" + FIVE, "a</think>", "<answer>5</answer>", "```output\n5"])
def test_a_reply_that_was_cut_off_outside_a_thought_has_no_fault(text):
    assert read_reply(text, "length").fault == ""


def test_the_part_that_counts_is_text_as_it_stood():
    assert answer_part(f"<think>a</think>{FIVE}</s>\nDone") == f"{FIVE}</s>\nDone"
    assert answer_part(f"a <answer> {FIVE}</answer> b") == f" {FIVE}"
    assert answer_part("no tags\r\nat all") == "no tags\nat all"


def test_a_block_without_a_label_counts_for_any_label_where_it_is_the_only_one():
    assert bodies("So:\n```\n5\n```", "output") == ["5"]
    assert bodies(f"<think>{SEVEN}</think>\n~~~\n5\n~~~", "output") == ["5"]
    assert bodies(f"```\n5\n```\n{SEVEN}", "output") == ["7"]
    assert bodies("```\n5\n```\n```\n6\n```", "output") == []
    assert bodies("```text\n5\n```", "output") == []


def test_labels_compare_by_their_first_word_in_any_case():
    for label in ("py", "python", "python3", "Python", "PYTHON 3"):
        assert bodies("```Py3\nx\n```\n```input\n1\n```", label) == ["x"]
    assert bodies("```Message to you\nhint\n```\n```input\n1\n```", "message") == ["hint"]


def test_a_program_is_extended_over_a_bounded_number_of_fences():
    inside = "\n".join(["```"] * 10)
    assert bodies(f"```python\n'''\n{inside}\n'''\n```", "python") == [f"'''\n{inside}\n'''"]
    program = "'''" + "x\n" * 40_000
    assert bodies(f"```python\n{program}\n```\n'''\n```", "python") == [program]


SIZE = 200_000
HOSTILE = {
    "opening fences": "```a\n" * (SIZE // 5),
    "fences": "```\n" * (SIZE // 4),
    "one long fence": "`" * SIZE,
    "blocks": "~~~\na\n" * (SIZE // 6),
    "programs that do not parse": "```python\n'''\n```\n" * (SIZE // 18),
    "long programs that do not parse": ("```python\n" + "1\n" * 900 + "'''\n```\n") * 110,
    "blocks left open": "```a\n</think>\n" * (SIZE // 14),
    "blocks left open, far apart": ("```a\n" + "\n" * 50 + "</s>\n") * (SIZE // 60),
    "lists": "*\n+\n-\n" * (SIZE // 6),
    "nested lists": ("- > 1. " * 7 + "a\n") * (SIZE // 50),
    "nested once": "- " * (SIZE // 2) + "a",
    "deeper and deeper": "\n".join(" " * i + "- a" for i in range(600)),
    "quotes": "> a\nb\n" * (SIZE // 6),
    "tags": "<answer>" * (SIZE // 8),
    "tags on lines": "<think></think>\n" * (SIZE // 16),
    "tags glued to fences": "```<answer>" * (SIZE // 11),
    "tags amid words": "a </think> b " * (SIZE // 13),
    "half tags": "< /" * (SIZE // 3),
    "half end marks": "<|" * (SIZE // 2),
    "a tag of blanks": "<" + " " * SIZE,
    "end marks": "<|a|> " * (SIZE // 6),
    "lines": "\n" * SIZE,
    "short lines": "a\n" * (SIZE // 2),
    "numbers": "1" * SIZE,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_take_little_time(text):
    start = time.process_time()
    read_reply.__wrapped__(text)
    assert time.process_time() - start < 4  # 0.2 on a quiet machine


def test_an_answer_after_a_hostile_thought_is_found():
    noise = "- > a\n\n" * 500 + "```\na\n```\n" * 1_000
    assert bodies(f"<think>{noise}</think>\n{FIVE}", "output") == ["5"]
    assert bodies("- a\n" * 50_000 + f"</think>\n{FIVE}", "output") == ["5"]


PIECES = ["```", "````", "~~~", "\n", "\r\n", "python", "output", " ", "    ", "\t", "- ", "1. ", "> ", "'''", "\0", "x", "|"]
PIECES += ["<think>", "</think>", "<answer>", "</answer>", "<|im_end|>", "</s>", "`", "\ud800", "\u2028", "***", "<"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_whatever_was_said_reading_never_raises_and_finds_nothing_that_was_not_there(text):
    reply = read_reply(text, "length")
    assert reply.fault in ("", "thought_cut_off")
    for found in reply.fences:
        assert set(found.body) <= set(text) | {"\n", " "}  # a tab that belongs to a list item by half leaves spaces
        assert found.label in text.lower()


PLAIN = [piece for piece in PIECES if "<" not in piece and piece not in ("\0", "python", "'''")]
PLAIN += ["# ", "1) ", "    - ", "---"]


@given(st.lists(st.sampled_from(PLAIN), max_size=40).map("".join))
def test_every_block_that_a_commonmark_parser_sees_closed_is_found_as_it_is(text):
    lines = text.replace("\r\n", "\n").split("\n")
    found = iter([block.body for block in fences(text)])
    for token in MarkdownIt("commonmark").parse(text):
        first, end = token.map or (0, 0)
        body = token.content.removesuffix("\n")
        if token.type == "fence" and end - first - 2 == (body.count("\n") + 1 if token.content else 0):
            assert body in found, lines  # `in` goes on from the last one found


@given(st.text(alphabet=st.characters(exclude_characters="`\n\r"), max_size=40))
def test_a_fence_round_trips(body):
    assert bodies(fence("output", body), "output") == [body]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("~~~output\n7\n~~~", "7"),
        ("````output\n7\n````", "7"),
        ("```\n7\n```", "7"),
        ("1. So:\n   ```output\n   7\n   ```", "7"),
        ("> ```output\n> 7\n> ```", "7"),
        ("```output\r\n7\r\n```\r\n", "7"),
        ("```output\n7\n```<|im_end|>", "7"),
        ("<answer>```output\n7\n```</answer>", "7"),
        ("<think>x</think>```output\n7\n```", "7"),
        ("I won't use <think> tags\n```output\n7\n```", "7"),
        ("<answer>```output\n6\n```</answer><answer>```output\n7\n```</answer>", "7"),
        ("<think>I close with `</think>`\nok</think>```output\n7\n```", "7"),
        ("<think>```output\n7\n```", None),
        ("<think>hm <answer>```output\n7\n```</answer>", None),
        ("```output\n7", None),
        ("<answer>7</answer>", None),
        ("\ufeff```output\n7\n```", "7"),
        ("Here I stop to <think>\n```output\n7\n```", None),
    ],
)
def test_replies_are_read_as_meant(text: str, found: str | None) -> None:
    bodies = read_reply(text).bodies("output")
    assert (bodies[-1] if bodies else None) == found
