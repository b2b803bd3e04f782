"""The names of the subset: which builtins and methods are let in, with how many arguments.

Only what is named here is let in, so that whatever the engine or a new Python adds stays out until it was compared.
"""

from __future__ import annotations

Arity = tuple[int, int, str]
"""The fewest and the most positional arguments, and the keywords."""

FUNCTIONS: dict[str, Arity] = {
    **dict.fromkeys("abs all any bin chr float hex len oct ord repr reversed".split(), (1, 1, "")),
    **dict.fromkeys("bool str list tuple dict set".split(), (0, 1, "")),
    "int": (0, 2, ""),
    "range": (1, 3, ""),
    "round": (1, 2, ""),
    "sum": (1, 2, "start"),
    "isinstance": (2, 2, ""),
    "sorted": (1, 1, "key reverse"),
    "max": (1, 99, "key default"),
    "min": (1, 99, "key default"),
    "enumerate": (1, 2, "start"),
    "zip": (0, 99, ""),
    "map": (2, 99, ""),
    "filter": (2, 2, ""),
}
HANDED = frozenset("abs bool bin chr float hex int len list max min oct ord repr round sorted str sum tuple".split())
"""Builtins that may be handed to `map`, `filter` and `key=`."""
TYPES = frozenset("int str float bool list tuple dict".split())
"""What `isinstance` may ask for."""
LAZY = frozenset("enumerate zip map filter reversed".split())
"""Builtins that make a lazy iterator in CPython and a list in the engine."""
CONSUMERS = frozenset("list tuple set sorted sum max min any all dict".split())
"""Builtins that read all of their one argument."""
ORDER_FREE = frozenset("len sorted sum max min".split())
"""Builtins whose result does not depend on the order in which a set of numbers, or of texts, is read."""

METHODS: dict[str, Arity] = {
    **dict.fromkeys("upper lower title capitalize swapcase casefold isalpha isdigit isnumeric".split(), (0, 0, "")),
    **dict.fromkeys("isdecimal isalnum isupper islower isspace istitle isascii reverse".split(), (0, 0, "")),
    **dict.fromkeys("items keys values popitem clear copy".split(), (0, 0, "")),
    **dict.fromkeys("startswith endswith find rfind index rindex count zfill partition rpartition".split(), (1, 1, "")),
    **dict.fromkeys("join removeprefix removesuffix append extend remove update add discard".split(), (1, 1, "")),
    **dict.fromkeys("strip lstrip rstrip splitlines".split(), (0, 1, "")),
    **dict.fromkeys("center ljust rjust get setdefault".split(), (1, 2, "")),
    "split": (0, 2, "sep maxsplit"),
    "rsplit": (0, 2, "sep maxsplit"),
    "replace": (2, 3, ""),
    "insert": (2, 2, ""),
    "pop": (0, 2, ""),
    "sort": (0, 0, "key reverse"),
}
SET_METHODS = frozenset("add discard remove".split())
ADDING = frozenset("append extend insert setdefault update sort reverse add".split())
REMOVING = frozenset("pop popitem remove clear discard".split())
"""Methods that change their object: by putting in or moving, and by taking away."""
MAKING_FUNCTIONS = frozenset("list dict set sorted tuple str int float bool len range abs ord chr repr round bin hex".split())
MAKING_METHODS = frozenset(
    "copy split rsplit splitlines partition rpartition join lower upper strip lstrip rstrip replace title capitalize count find"
    " swapcase zfill center ljust rjust".split()
)
"""What returns an object of its own making, or one that cannot change."""
SCALAR_FUNCTIONS = frozenset("int float ord chr abs".split())
"""Builtins that answer only for values that cannot change."""

MATH: dict[str, Arity] = {
    **dict.fromkeys("sqrt floor ceil trunc fabs factorial isqrt".split(), (1, 1, "")),
    **dict.fromkeys("gcd comb".split(), (2, 2, "")),
}
"""Functions of `math` whose results are exact or correctly rounded, so the same in every library."""
MATH_CONSTANTS = frozenset(("pi", "e"))

MAX_CHAR = 0x17F
"""Last character of text in the subset, the end of Latin Extended-A. Case and class of some characters above depend on the
version of Unicode, of which engine and CPython have different ones."""


def is_plain_text(text: str) -> bool:
    """Whether all characters of a text mean the same to engine and CPython."""
    return text.isascii() or max(text) <= chr(MAX_CHAR)
