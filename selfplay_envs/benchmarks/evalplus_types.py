"""Types that MBPP+'s inputs lose in JSON, by task; restated from EvalPlus 0.3.1, `evalplus/data/mbpp.py` (Apache-2.0).

A path says where, in the list of a call's arguments: numbers and `*` (each item, or each value of a dict) behind dots, such as
`0.*`, the items of the first argument. `**` is every list at any depth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_set(value: Any) -> Any:
    """A set; an empty one is a dict in that data set."""
    return (set(value) if value else {}) if isinstance(value, list) else value


Change = tuple[str, Callable[[Any], Any]]
_ITEMS, _ARGUMENTS, _FIRST, _SECOND = ("*.*", _as_tuple), ("*", _as_tuple), ("0", _as_tuple), ("1", _as_tuple)
_TASKS: tuple[tuple[tuple[Change, ...], tuple[int, ...]], ...] = (
    ((_ARGUMENTS,), (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630)),
    ((_ARGUMENTS,), (726, 740, 744, 809)),
    ((_ITEMS,), (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780)),
    ((("0.*", _as_tuple),), (75, 413, 444, 722, 753)),
    ((_FIRST,), (250, 307, 405, 446, 617, 720, 763, 808)),
    ((_SECOND,), (106, 750)),
    ((_ITEMS, _ARGUMENTS), (259, 278, 401, 445)),
    ((("**", _as_tuple),), (580, 615, 791)),
    ((("0.*", _as_set),), (115,)),
    ((("0", float), ("1", complex)), (124,)),
    ((("0", complex),), (252,)),
)
CHANGES: Mapping[str, tuple[Change, ...]] = {f"Mbpp/{number}": changes for changes, numbers in _TASKS for number in numbers}
"""What to do with the arguments of every call of a task, inner places first."""


def restored(task_id: str, arguments: list[Any]) -> list[Any]:
    """The arguments of one call with the types that JSON has no words for.

    Raises:
        ValueError: They do not have the task's form, such as a text that is no complex number.
        TypeError: Likewise.
    """
    changed: Any = arguments
    for path, change in CHANGES.get(task_id, ()):
        changed = _changed(changed, path.split("."), change)
    return list(changed)


def _changed(value: Any, path: list[str], change: Callable[[Any], Any]) -> Any:
    if path == ["**"]:
        return change([_changed(item, path, change) for item in value]) if isinstance(value, list) else value
    if not path:
        return change(value)
    place, *rest = path
    if isinstance(value, dict):
        return {key: _changed(item, rest, change) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    return [_changed(item, rest, change) if place in ("*", str(number)) else item for number, item in enumerate(value)]
