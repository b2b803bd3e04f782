"""Whatever players write, nothing raises out of the referee, and a batch of games comes to its end."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandboxes import open_sandbox
from selfplay_envs import CodeTask, Referee, Reply, Start, play_episodes, replay
from selfplay_envs.conformance.suite import panels
from selfplay_envs.names.registration import BUILT_IN
from selfplay_envs.replies.parsing import fence, read_reply

EXAMPLES = max(100, int(15 * float(os.environ.get("SELFPLAY_FUZZ_S", "30"))))
PIECES = [
    *("def f(x):\n    return x", "def f(x, y=1):\n    return [x, y]", "f = lambda x: x", "import math\ndef f(x):\n    return math.pi"),
    *("class f:\n    pass", "async def f(x):\n    pass", "def f(*x, **y):\n    return x", "def g(x):\n    return f(x)"),
    *("return", "x = 0x" + "f" * 3_600, "x[0x" + "f" * 4_000 + "] += 1", "x.y(1, 2, 3)", "1" * 5_000, "1e999", "-", "(" * 100, "[" * 70),
    *("{1: 2}", "{1, 'a'}", "'\\ud800'", "'\ud800'", "b'\\xff'", "1j", "None", "...", "*x", "**x", "x=1", "a:=1", "lambda: 0", "'" * 3),
    *("\0", "\ufeff", "\u2028", "\r\n", "\t", "\x1b[2J", "\u202e", "𝒙", "ﬀ", "é", "İ", "<|im_end|>", "</s>", "%s", "{0.__class__}"),
    *("<think>", "</think>", "<answer>", "</answer>", "```", "````", "~~~", "```python\n", "```input\n", "```output\n", "> ", "1. ", "    "),
    *("use exactly 2 words", "include the word é", "avoid the letter a", "; ", "use only uppercase", "start with the word ", "999"),
]  # fmt: skip
LABELS = ["python", "input", "output", "message", "instruction", "answer", "action", "py", ""]
text = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=6).map("".join)
blocks = st.lists(st.tuples(st.sampled_from(LABELS), text).map(lambda pair: fence(*pair)), max_size=5).map("\n".join)
replies = st.tuples(text, blocks, text).map("\n".join) | text | blocks
GAMES = tuple(BUILT_IN)
TASKS = {
    "SelfPlay/Abduction-v0": CodeTask(program="def f(x):\n    return x", inputs=("1",), outputs=("1",)).to_json(),
    "SelfPlay/Induction-v0": CodeTask(program="def f(x):\n    return x", inputs=("1", "2"), outputs=("1", "2")).to_json(),
    "SelfPlay/AbsoluteZero-v0": {"type": "deduction", "program": "def f(x):\n    return x", "inputs": ["1"], "outputs": ["1"]},
    "SelfPlay/InstructionChallenge-v0": {"instruction": "use exactly 2 words; include the word é"},
}


@pytest.mark.parametrize("name", ["process:workers=2", "process:workers=2,engine=auto"])
def test_any_replies_are_played_to_the_end(name: str) -> None:
    sandbox = open_sandbox(name)
    referee = Referee(sandbox, strict=True)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(replies, min_size=8, max_size=8), st.sampled_from(["stop", "length"]), st.booleans())
    def play(said: list[str], finish_reason: str, solving: bool) -> None:
        options = TASKS if solving else {}
        starts = [
            Start(env_id, seed, panels(env_id, (2,))[0], {"task": options[env_id]} if env_id in options else {})
            for seed, env_id in enumerate(GAMES)
        ]
        turn = iter(range(1 << 30))
        act = lambda asks: [Reply(text=said[next(turn) % 8], finish_reason=finish_reason) for _ in asks]  # noqa: E731
        for episode in play_episodes(starts, act, referee):
            assert episode.messages
            assert not any(message.void for message in episode.messages)
            assert replay(episode).outcome == episode.outcome

    try:
        play()
    finally:
        if "engine" in name:  # whoever counts the engine's processes finds none of ours
            sandbox.close()


@settings(max_examples=EXAMPLES, deadline=None)
@given(replies, st.sampled_from(["stop", "length"]))
def test_any_reply_is_read_in_no_time(said: str, finish_reason: str) -> None:
    started = time.process_time()
    parsed = read_reply(said * 3, finish_reason)
    assert isinstance(parsed.answer, str)
    assert all(isinstance(body, str) for label in LABELS for body in parsed.bodies(label))
    assert time.process_time() - started < 5
