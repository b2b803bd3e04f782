"""The names of the subset: which builtins and methods are let in, with how many arguments.

Only what is named here is let in, so that whatever the engine or a new Python adds stays out until it was compared.
"""

from __future__ import annotations

Arity = tuple[int, int, str]
"""The fewest and the most positional arguments, and the keywords."""


def _each(names: str, arity: Arity) -> dict[str, Arity]:
    return dict.fromkeys(names.split(), arity)


FUNCTIONS: dict[str, Arity] = {
    **_each("abs all any bin chr float hex len oct ord repr reversed", (1, 1, "")),
    **_each("bool str list tuple dict set", (0, 1, "")),
    **_each("isinstance filter", (2, 2, "")),
    **_each("max min", (1, 99, "key default")),
    **_each("int", (0, 2, "")),
    **_each("range", (1, 3, "")),
    **_each("round", (1, 2, "")),
    **_each("sum enumerate", (1, 2, "start")),
    **_each("sorted", (1, 1, "key reverse")),
    **_each("zip", (0, 99, "")),
    **_each("map", (2, 99, "")),
}
HANDED = frozenset("abs bool bin chr float hex int len list max min oct ord repr round sorted str sum tuple".split())
"""Builtins that may be handed to `map`, `filter` and `key=`."""
TYPES = frozenset("int str float bool list tuple dict".split())
"""Types that `isinstance` may test for."""
LAZY = frozenset("enumerate zip map filter reversed".split())
"""Builtins that make a lazy iterator in CPython and a list in the engine."""
CONSUMERS = frozenset("list tuple set sorted sum max min any all dict".split())
"""Builtins that read all of their one argument."""
ORDER_FREE = frozenset("len sorted sum max min".split())
"""Builtins whose result does not depend on the order in which a set of numbers, or of texts, is read."""

METHODS: dict[str, Arity] = {
    **_each("upper lower title capitalize swapcase casefold isalpha isdigit isnumeric isdecimal isalnum", (0, 0, "")),
    **_each("isupper islower isspace istitle isascii reverse items keys values popitem clear copy", (0, 0, "")),
    **_each("startswith endswith find rfind index rindex count zfill partition rpartition join", (1, 1, "")),
    **_each("removeprefix removesuffix append extend remove update add discard", (1, 1, "")),
    **_each("strip lstrip rstrip splitlines", (0, 1, "")),
    **_each("center ljust rjust get setdefault", (1, 2, "")),
    **_each("split rsplit", (0, 2, "sep maxsplit")),
    **_each("replace", (2, 3, "")),
    **_each("insert", (2, 2, "")),
    **_each("pop", (0, 2, "")),
    **_each("sort", (0, 0, "key reverse")),
}
VIEWS = frozenset("items keys values".split())
"""Methods whose result would make a set of `a - b`; they must be read where they stand."""
SET_METHODS = frozenset("add discard remove".split())
ADDING = frozenset("append extend insert setdefault update sort reverse add".split())
REMOVING = frozenset("pop popitem remove clear discard".split())
"""Methods that change their object: by putting in or moving, and by taking away."""
MAKING_FUNCTIONS = frozenset("list dict set sorted tuple str int float bool len range abs ord chr repr round bin hex".split())
MAKING_METHODS = frozenset(
    "copy split rsplit splitlines partition rpartition join lower upper strip lstrip rstrip replace title capitalize count find"
    " swapcase zfill center ljust rjust".split()
)
"""Functions and methods that return an object of their own making, or one that cannot change."""
SCALAR_FUNCTIONS = frozenset("int float ord chr abs".split())
"""Builtins that answer only for values that cannot change."""

MATH: dict[str, Arity] = {
    **_each("sqrt floor ceil trunc fabs factorial isqrt", (1, 1, "")),
    **_each("gcd comb", (2, 2, "")),
}
"""Functions of `math` whose results are exact or correctly rounded, so the same in every library."""
MATH_CONSTANTS = frozenset(("pi", "e"))

MAX_CHAR = 0x17F
"""Last character of text in the subset, the end of Latin Extended-A. Case and class of some characters above depend on the
version of Unicode, of which engine and CPython have different ones."""


def is_plain_text(text: str) -> bool:
    """Whether all characters of a text mean the same to engine and CPython."""
    return text.isascii() or max(text) <= chr(MAX_CHAR)
