"""The task buffer: novelty gate, newest-kept cap, mixing, and sampling that resumes exactly."""

import json

import numpy as np
import pytest

from selfplay_envs import IDENTITY, TaskBuffer, UsageError
from selfplay_envs.tasks.duplicates import pair_key


def task(number, program=None):
    return {"program": program or f"def f(x):\n    return x + {number}", "inputs": ["1"], "outputs": [str(1 + number)]}


def numbers(tasks):
    return [int(t["outputs"][0]) - 1 for t in tasks]


def test_the_novelty_gate_compares_syntax_trees():
    buffer = TaskBuffer((IDENTITY.to_json(),))
    assert buffer.add(task(1)) == "added"
    assert buffer.add(task(1, "def f(x):  # again\n    return (x + 1)")) == "duplicate"
    assert buffer.add({**task(1), "inputs": ["2"]}) == "duplicate"
    assert len(buffer) == 2
    assert task(1) in buffer
    assert task(2) not in buffer


def test_inputs_count_where_programs_are_given():
    buffer = TaskBuffer(key=pair_key)
    assert buffer.add(task(1)) == "added"
    assert buffer.add({**task(1), "inputs": ["2"]}) == "added"
    assert buffer.add(task(1)) == "duplicate"


def test_excluded_tasks_never_enter():
    buffer = TaskBuffer(exclude=lambda t: "+ 7" in t["program"])
    assert buffer.add(task(7)) == "excluded"
    assert len(buffer) == 0


def test_the_cap_keeps_the_newest_and_forgets_the_oldest():
    buffer = TaskBuffer(capacity=3)
    for number in range(5):
        buffer.add(task(number))
    assert numbers(buffer.newest(10)) == [4, 3, 2]
    assert task(0) not in buffer
    assert buffer.add(task(0)) == "added"
    assert numbers(buffer.newest(3)) == [0, 4, 3]


def test_a_full_buffer_that_keeps_the_oldest_takes_nothing_more():
    buffer = TaskBuffer(capacity=2, keep="oldest")
    assert [buffer.add(task(number)) for number in (0, 1, 1, 2)] == ["added", "added", "duplicate", "full"]
    assert numbers(buffer.newest(10)) == [1, 0]
    assert task(2) not in buffer
    assert buffer.discard(task(0))
    assert buffer.add(task(2)) == "added"


def test_mixing_takes_the_newest_first_and_never_twice():
    buffer = TaskBuffer()
    for number in range(100):
        buffer.add(task(number))
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = numbers(buffer.sample(rng, 10, newest=0.5))
        assert len(set(drawn)) == 10
        assert set(drawn[:5]) <= set(range(90, 100))
    assert set(numbers(buffer.sample(rng, 10, newest=1.0))) == set(range(90, 100))
    spread = [n for _ in range(50) for n in numbers(buffer.sample(rng, 10, newest=0.0))]
    assert min(spread) < 5
    assert 40 < np.mean(spread) < 60


def test_small_buffers_give_what_they_have():
    rng = np.random.default_rng(0)
    buffer = TaskBuffer()
    assert buffer.sample(rng, 4) == buffer.references(rng, 4) == []
    buffer.add(task(1))
    assert numbers(buffer.sample(rng, 4)) == [1]
    assert numbers(buffer.references(rng, 4)) == [1]


def test_a_restored_buffer_goes_on_exactly_as_before():
    buffer = TaskBuffer(capacity=8)
    for number in range(13):
        buffer.add(task(number))
    other = TaskBuffer(capacity=8)
    other.load_state_dict(json.loads(json.dumps(buffer.state_dict())))
    for one in (buffer, other):
        one.add(task(50))
    draws = [
        numbers(b.sample(np.random.default_rng(5), 6)) + numbers(b.references(np.random.default_rng(6), 3))
        for b in (buffer, other)
    ]
    assert numbers(buffer.newest(8)) == numbers(other.newest(8))
    assert draws[0] == draws[1]
    assert buffer.add(task(49)) == other.add(task(49)) == "added"
    assert numbers(buffer.newest(8)) == numbers(other.newest(8))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: TaskBuffer(capacity=0), "capacity=0"),
        (lambda: TaskBuffer(keep="both"), "keep='both'"),
        (lambda: TaskBuffer().sample(np.random.default_rng(), 1, newest=2), "newest=2"),
    ],
)
def test_wrong_values_get_one_clear_sentence(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_a_discarded_task_leaves_no_gap():
    for capacity in (3, 5):
        buffer = TaskBuffer(capacity=capacity)
        for number in range(5):
            buffer.add({"program": f"def f(x):\n    return x + {number}"})
        kept = [task["program"][-1] for task in buffer.newest(9)]
        assert kept == [str(number) for number in (4, 3, 2, 1, 0)[:capacity]]
        assert buffer.discard({"program": "def f(x):\n    return (x + 3)  # the same by its tree"})
        assert not buffer.discard({"program": "def f(x):\n    return x + 3"})
        assert [task["program"][-1] for task in buffer.newest(9)] == [name for name in kept if name != "3"]
        assert buffer.add({"program": "def f(x):\n    return x + 3"}) == "added"
        assert buffer.newest(1)[0]["program"].endswith("3")
        restored = TaskBuffer()
        restored.load_state_dict(buffer.state_dict())
        assert restored.newest(9) == buffer.newest(9)
        for number in range(5, 9):
            buffer.add({"program": f"def f(x):\n    return x + {number}"})
        assert len(buffer) == min(capacity, 9)
        assert [task["program"][-1] for task in buffer.newest(2)] == ["8", "7"]
