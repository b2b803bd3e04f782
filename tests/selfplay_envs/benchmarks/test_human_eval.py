"""A row of HumanEval becomes a problem whose gold passes its check."""

import json

from selfplay_envs.games.dataset.prompts import find_prompt
from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier

START = "import math\n\ndef helper(x):\n    return x + 1\n\n\ndef area(r):\n    '''Of a circle.'''\n"
ROW = {
    "task_id": "HumanEval/900",
    "prompt": START,
    "entry_point": "area",
    "canonical_solution": "    return math.pi * r * r\n",
    "test": "def check(candidate):\n    assert abs(candidate(2) - 12.56637061) < 1e-8\n    assert candidate(helper(-1)) == 0\n",
}


def test_a_row(tmp_path, referee):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW))
    source = open_source(f"humaneval:path={path}")
    [problem], verifier = list(source.read()), find_answer_verifier(source.verifier)
    assert problem.id == "HumanEval/900"
    assert problem.fields == {"question": "Complete this Python program.", "program": START}
    [message] = find_prompt("terse").ask(problem, verifier)
    assert message.content == f"Complete this Python program.\n\n```python\n{START.strip()}\n```"
    cases = {
        verifier.gold(problem): "right",
        "    return 3.141592653589793 * r ** 2": "right",
        fence("python", "def area(r):\n    return math.tau / 2 * r * r"): "right",
        fence("python", "def area(r):\n    return 3.14 * r * r"): "wrong",
    }
    checks = [verifier.check(problem, verifier.extract(read_reply(reply)).answer) for reply in cases]
    assert [answered.value for answered in referee.answer(checks)] == [*cases.values()]
