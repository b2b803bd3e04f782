"""The guards themselves, in the engine's own language, and the harness that makes the calls.

A guard raises, and a call that raises is answered by CPython. Each keeps out something that the engine does otherwise: keys
that are equal but not the same (`1`, `True`, `1.0`), sets whose order could show, NaN, which is not found in a list that holds
it, rounding to digits, the last digit of a float that lies between two texts, text longer than `int` reads or deeper than
`str` writes, `*=` on lists, and arguments of a wrong type that it takes for others.
"""

from __future__ import annotations

from collections.abc import Collection

from .subset import MAX_CHAR

_PRELUDE = {
    "plain": """
def __plain(value):
    kind = type(value)
    if kind is list or kind is tuple:
        for item in value:
            __plain(item)
    elif kind is dict:
        for key, item in value.items():
            __plain(key)
            __plain(item)
    elif not (kind is int or kind is str or kind is bool or kind is float or value is None):
        raise TypeError
    return value
""",
    "key": """
def __key(key):
    kind = type(key)
    if kind is tuple:
        for item in key:
            __key(item)
    elif not (kind is int or kind is str or key is None):
        raise TypeError
    return key
""",
    "dict": """
def __dict(pairs=()):
    if type(pairs) is dict:
        return pairs.copy()
    made = {}
    for key, value in pairs:
        made[__key(key)] = value
    return made
""",
    "set": """
def __set(values=()):
    return set([__key(value) for value in values])
""",
    "scalars": """
def __scalars(values):
    if type(values) is set:
        for value in values:
            if type(value) is tuple or value is None:
                raise TypeError
    return values
""",
    "number": """
def __number(value):
    kind = type(value)
    if kind is float:
        if value != value:
            raise ValueError
    elif kind is complex:
        raise TypeError
    return value
""",
    "shown": """
def __shown(value):
    kind = type(value)
    if kind is list or kind is tuple:
        for item in value:
            __shown(item)
    elif kind is dict:
        for key, item in value.items():
            __shown(key)
            __shown(item)
    elif kind is float:
        digits = f'{value:.20e}'.split('e')[0].strip('-0')
        if digits[-1] == '5' and len(digits) > 16 and len(digits) < 20:
            raise ValueError
    elif not (kind is int or kind is str or kind is bool or value is None):
        raise TypeError
    return value
""",
    "scalar": """
def __scalar(value):
    kind = type(value)
    if kind is int or kind is str or kind is bool or kind is float:
        return __shown(value)
    raise TypeError
""",
    "list": """
def __list(value):
    if type(value) is list:
        return value
    raise TypeError
""",
    "flag": """
def __flag(value):
    if type(value) is bool:
        return value
    raise TypeError
""",
    "start": """
def __start(value):
    if type(value) is int and not (-(1 << 62) < value and value < 1 << 62):
        raise OverflowError
    return value
""",
    "factor": """
def __factor(a, b):
    n = b if type(a) is not int else a
    if type(n) is int and type(a) is not type(b) and not (-9223372036854775808 <= n and n < 9223372036854775808):
        raise OverflowError
    return b
""",
    "scale": """
def __scale(a, b):
    if type(a) is list:
        raise TypeError
    return __factor(a, b)
""",
    "times": """
def __times(a, b):
    return a * __factor(a, b)
""",
    "float": """
def __float(value):
    return __number(float(value))
""",
    "sum": """
def __sum(values, start=0):
    return __number(sum(values, start))
""",
    "int": """
def __int(value=0, *base):
    if type(value) is str and len(value) > 4300:
        raise ValueError
    return int(value, *base)
""",
    "str": """
def __str(value=''):
    return str(__shown(value))
""",
    "repr": """
def __repr(value):
    return repr(__shown(value))
""",
    "chr": f"""
def __chr(code):
    if code > {MAX_CHAR} or code == {ord("%")}:
        raise ValueError
    return chr(code)
""",
    "round": """
def __round(number, digits=None):
    if digits is None:
        return round(number)
    if type(digits) is not int or digits < -99 or digits > 20:
        raise ValueError
    if type(number) is not float:
        return round(number, digits)
    if digits < 0:
        raise ValueError
    return float(f'{number:.{digits}f}')
""",
}
"""Definitions that stand before a program which needs them."""
_NEEDS = {
    **dict.fromkeys(("str", "repr", "scalar"), "shown"),
    **dict.fromkeys(("dict", "set"), "key"),
    **dict.fromkeys(("float", "sum"), "number"),
    **dict.fromkeys(("times", "scale"), "factor"),
}
HARNESS = """
def __answer(__positional, __keywords):
    try:
        return (__plain(__program(__positional, __keywords)),)
    except BaseException:
        return None
[__answer(__positional, __keywords) for __positional, __keywords in __calls]
"""
"""Makes the calls in `__calls`: a list with a 1-tuple for each that returned plain data, and None for the others."""


def prelude(used: Collection[str]) -> str:
    """The definitions of the guards that are used, in an order that works."""
    needed = {"plain", *used, *(_NEEDS[name] for name in used if name in _NEEDS)}
    return "".join(text for name, text in _PRELUDE.items() if name in needed)
