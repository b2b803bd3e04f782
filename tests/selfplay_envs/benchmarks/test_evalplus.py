"""HumanEval+ and MBPP+ on rows of our own in their form: gold is right, and each oracle is where it belongs."""

import json

import pytest

from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier

pytestmark = pytest.mark.usefixtures("own_cache")


def human(number, name, parameters, body, base, plus, atol=0):
    prompt = f"import math\n\ndef {name}({parameters}):\n    '''Made for this test.'''\n"
    return {
        "task_id": f"HumanEval/{number}",
        "prompt": prompt,
        "entry_point": name,
        "canonical_solution": body,
        "contract": "",
        "base_input": base,
        "plus_input": plus,
        "atol": atol,
    }


def mbpp(number, name, solution, base, plus, atol=0):
    return {
        "task_id": f"Mbpp/{number}",
        "prompt": f'"""\nMade for this test.\nassert {name}\n"""\n',
        "entry_point": name,
        "canonical_solution": f"\n{solution}\n",
        "base_input": base,
        "plus_input": plus,
        "atol": atol,
        "contract": "",
        "assertion": "",
    }


NEWTON = """
    x = 0.5
    for _ in range(99):
        x -= sum(c * x**i for i, c in enumerate(xs)) / sum(i * c * x ** (i - 1) for i, c in enumerate(xs) if i)
    return x
"""
HUMAN = [
    human(32, "find_zero", "xs", NEWTON, [[[-6, 1, 1]]], [[[2, 1]]], atol=1e-4),
    human(901, "area", "r", "    return math.pi * r * r\n", [[1]], [[0], [2.5]]),
    human(902, "double", "xs", "    xs += xs\n    return xs\n", [[[1]]], [[[]], [["a", None]]]),
]
MBPP = [
    mbpp(
        2, "similar_elements", "def similar_elements(a, b):\n    return tuple(set(a) & set(b))", [[[1, 2], [2, 1]]], [[[], []]]
    ),
    mbpp(106, "add_lists", "def add_lists(xs, t):\n    return t + tuple(xs)", [[[5], [9, 10]]], [[[], []]]),
    mbpp(115, "empty_dit", "def empty_dit(xs):\n    return all(not x for x in xs)", [[[{}, [1, 2]]]], [[[[]]]]),
    mbpp(
        124, "angle", "import cmath\ndef angle(a, b):\n    return cmath.phase(complex(a, b.imag))", [["0", "1j"]], [["1", "2"]]
    ),
    mbpp(252, "convert", "import cmath\ndef convert(z):\n    return cmath.polar(z)", [["1"]], [["4+7j"]]),
    mbpp(164, "are_equivalent", "def are_equivalent(a, b):\n    return a == b", [[36, 57]], [[2, 2]]),
    mbpp(295, "sum_div", "def sum_div(n):\n    return sum(i for i in range(1, n) if n % i == 0)", [[8]], [[7]]),
    mbpp(558, "digit_distance_nums", "def digit_distance_nums(a, b):\n    return abs(a - b)", [[1, 2]], [[23, 56]]),
    mbpp(581, "surface_Area", "def surface_Area(b, s):\n    return 2 * b * s + b * b", [[3, 4]], [[4, 5]]),
    mbpp(434, "text_match_three", "import re\ndef text_match_three(t):\n    return re.search('b', t)", [["ab"]], [["c"]]),
]


@pytest.fixture
def problems(tmp_path):
    def read(name, rows):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return list(open_source(f"{name}:path={path}").read())

    return read


def judged(referee, problems, replies):
    verifier = find_answer_verifier("reference")
    extractions = [verifier.extract(read_reply(reply)) for reply in replies]
    assert not any(extraction.fault for extraction in extractions)
    checks = [verifier.check(problem, found.answer) for problem, found in zip(problems, extractions, strict=True)]
    return [answered.value for answered in referee.answer(checks)]


@pytest.mark.parametrize(("name", "rows"), [("humaneval+", HUMAN), ("mbpp+", MBPP)])
def test_gold_is_right_and_another_programs_gold_is_wrong(referee, problems, name, rows):
    made = problems(name, rows)
    golds = [find_answer_verifier("reference").gold(problem) for problem in made]
    assert judged(referee, made, golds) == ["right"] * len(rows)
    nothing = [fence("python", f"def {row['entry_point']}(*arguments):\n    return None") for row in rows]
    wrong = ["wrong" if row["task_id"] != "Mbpp/164" else "right" for row in rows]  # where any answer counts
    assert judged(referee, made, nothing) == wrong


def test_types_and_questions(problems):
    made = {problem.id: problem for problem in problems("mbpp+", MBPP)}
    assert made["Mbpp/106"].data["base"] == ["[5], (9, 10)"]
    assert made["Mbpp/115"].data["base"] == ["[{}, {1, 2}]"]
    assert made["Mbpp/124"].data["plus"] == ["1.0, (2+0j)"]
    assert made["Mbpp/252"].fields == {"question": "Made for this test.\nassert convert"}
    [problem, *_] = problems("humaneval+", HUMAN)
    assert problem.fields["program"] == HUMAN[0]["prompt"]
    assert problem.fields["question"] == "Complete this Python program."


def test_oracles_of_their_own(referee, problems):
    other = {
        "Mbpp/2": "def similar_elements(a, b):\n    return sorted(set(a) & set(b), reverse=True)",
        "Mbpp/295": "def sum_div(n):\n    return 0",
        "Mbpp/558": "def digit_distance_nums(a, b):\n    return sum(abs(int(x) - int(y)) for x, y in zip(str(a), str(b)))",
        "Mbpp/581": "def surface_Area(b, h):\n    return round(b * b + 2 * b * (b * b / 4 + h * h) ** 0.5)",
        "Mbpp/434": "def text_match_three(t):\n    return 'b' in t",
    }
    made = [problem for problem in problems("mbpp+", MBPP) if problem.id in other]
    replies = [fence("python", other[problem.id]) for problem in made]
    assert judged(referee, made, replies) == ["right"] * 5
    roots = fence("python", "def find_zero(xs):\n    return {-6: -3, 2: -2.00001}[xs[0]]")
    assert judged(referee, problems("humaneval+", HUMAN)[:1], [roots]) == ["right"]
    assert judged(referee, problems("humaneval+", HUMAN)[:1], [roots.replace("-3", "3")]) == ["wrong"]


def test_rows_of_the_hub(referee, problems):
    test = "def check(candidate):\n    inputs = {}\n    for i in inputs:\n        assertion(candidate(*i), 0, 0)\n"
    row = {"task_id": 250, "prompt": "Count.", "code": "def count(t, x):\n    return t.count(x)"}
    row |= {"test_list": ["assert count((10, 8), 4) == 0"], "test": test.format("[[(10, 8, 8), 8], [[8], 8]]")}
    made = problems("mbpp+", [row])
    assert made[0].id == "Mbpp/250"
    assert made[0].data["base"] == ["(10, 8, 8), 8", "(8,), 8"]
    assert judged(referee, made, [find_answer_verifier("reference").gold(made[0])]) == ["right"]
