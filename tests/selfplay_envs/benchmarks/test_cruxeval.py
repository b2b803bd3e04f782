"""CRUXEval's two halves: the same row asks for its output, or for an input; expressions count, evaluated in the sandbox."""

import json

import pytest

from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier

ROWS = [
    {"id": "sample_0", "code": "def f(xs, n):\n    return xs[:n]", "input": "[1, 2, 3], 2", "output": "[1, 2]"},
    {
        "id": "sample_1",
        "code": "def f(xs, key):\n    return sorted(xs, key=key)",
        "input": "[1, 2], (lambda x: -x)",
        "output": "[2, 1]",
    },
    {"id": "sample_2", "code": "def f(xs):\n    return sum(xs)", "input": "range(4)", "output": "6"},
]


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("cruxeval-o", {"[1] + [2]": "rww", "[1, 2]": "rww", "[2, 1]": "wrw", "6": "wwr"}),
        ("cruxeval-i", {"[1, 2], 2": "rww", "[2, 1], lambda x: 0": "wrw", "range(1, 4)": "wwr", "[6]": "wwr"}),
    ],
)
def test_rows(tmp_path, referee, name, answers):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    source = open_source(f"{name}:path={path}")
    problems, verifier = list(source.read()), find_answer_verifier(source.verifier)
    assert [problem.id for problem in problems] == ["sample_0", "sample_1", "sample_2"]
    golds = [verifier.gold(problem) for problem in problems]

    def verdicts(replies):
        found = [verifier.extract(read_reply(reply)).answer for reply in replies]
        checks = [verifier.check(problem, answer) for problem, answer in zip(problems, found, strict=True)]
        return "".join(answered.value[0] for answered in referee.answer(checks))

    assert verdicts(golds) == "rrr"
    assert verdicts(golds[1:] + golds[:1]) == "www"
    for answer, expected in answers.items():
        assert verdicts([verifier.write(answer)] * 3) == expected
