"""Types that JSON loses, on hand-made inputs of each rule."""

import pytest

from selfplay_envs.benchmarks.evalplus_types import CHANGES, restored


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        (2, [[1, 2], [[3], 4]], [(1, 2), ([3], 4)]),
        (809, [[1], 2], [(1,), 2]),
        (63, [[[1, 2], [3]]], [[(1, 2), (3,)]]),
        (75, [[[1], [2]], [3]], [[(1,), (2,)], [3]]),
        (722, [{"a": [1, 2]}, [3]], [{"a": (1, 2)}, [3]]),
        (250, [[[1], 2], [3]], [([1], 2), [3]]),
        (106, [[1], [2]], [[1], (2,)]),
        (259, [[[1], [2]], [[3]]], [((1,), (2,)), ((3,),)]),
        (278, [[1, [2, [3]]]], [(1, (2, [3]))]),
        (580, [[1, [2, [3]]]], [(1, (2, (3,)))]),
        (115, [[[1, 1, 2], [], {}]], [[{1, 2}, {}, {}]]),
        (124, ["1", "2+3j"], [1.0, 2 + 3j]),
        (252, ["1j"], [1j]),
        (3, [[1], [[2]]], [[1], [[2]]]),
    ],
)
def test_arguments(number, arguments, expected):
    made = restored(f"Mbpp/{number}", arguments)
    assert repr(made) == repr(expected)
    assert repr(restored(f"Mbpp/{number}", made)) == repr(expected)


def test_other_benchmarks_keep_their_types():
    assert restored("HumanEval/2", [[1]]) == [[1]]


def test_the_number_of_tasks():
    assert len(CHANGES) == 62
