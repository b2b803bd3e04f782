"""The names of this package: which builtins, methods and library functions a program may use for its calls to run in company.

Only what is named here is let in, so that whatever a new Python adds stays out until somebody has looked at it.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque

CALLABLES = frozenset(
    """
    abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float format frozenset hex int
    isinstance iter len list map max min next oct ord pow print range repr reversed round set slice sorted str sum tuple zip
    """.split()
)
"""Builtins that change nothing but their arguments."""
CATCHABLE = frozenset(
    """
    ArithmeticError AssertionError AttributeError IndexError KeyError LookupError NotImplementedError OverflowError
    StopIteration TypeError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError
    """.split()
)
"""Exceptions that may be caught: none that tells how much memory or stack is left, which others may have used."""
RAISABLE = CATCHABLE | frozenset(("Exception", "RuntimeError"))
SHOWING = frozenset("str repr ascii format".split())
"""Builtins that write a value as text."""
LAZY = frozenset("enumerate filter iter map reversed zip".split())
"""Builtins that make an iterator, whose text is an address."""
CONSUMERS = {
    **dict.fromkeys(
        """
        all any bytearray bytes dict enumerate extend extendleft frozenset join len list max min reversed set sorted sum tuple
        update Counter OrderedDict deque
        """.split(),
        slice(0, 1),
    ),
    **dict.fromkeys(("filter", "map"), slice(1, None)),
    "reduce": slice(1, 2),
    "zip": slice(0, None),
}
"""Functions and methods that read an iterator, or a view of a dict, and keep no hold of it but in another iterator; and which
of their arguments they read."""
CALLING = {
    **dict.fromkeys(("cmp_to_key", "filter", "map", "reduce"), slice(0, 1)),
    **dict.fromkeys(("sub", "subn"), slice(0, 2)),
    "isinstance": slice(1, 2),
    **dict.fromkeys("groupby max merge min nlargest nsmallest sort sorted".split(), slice(0, 0)),
}
"""Functions and methods that call a function that they are handed, and keep no hold of it but in an iterator; and which of
their arguments that is, besides `key`."""

_KINDS = (str, bytes, bytearray, list, dict, set, frozenset, tuple, int, float, complex, range)
_LIBRARY_KINDS = (deque, Counter, OrderedDict, defaultdict, re.Match, re.Pattern)
METHODS = frozenset(
    name for kind in (*_KINDS, *_LIBRARY_KINDS) for name in dir(kind) if not name.startswith("_") and name != "scanner"
)
"""Methods and fields of builtin values and of a few of the library's. `format` and `format_map`, which reach into what they
write, are looked at where they stand."""
SET_METHODS = frozenset("union intersection difference symmetric_difference".split())

_ITERATORS = """
    accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby
    islice pairwise permutations product repeat starmap takewhile zip_longest
"""
LIBRARY = {
    module: frozenset(names.split())
    for module, names in {
        "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
        "collections": "Counter OrderedDict defaultdict deque",
        "copy": "copy deepcopy",
        "functools": "cmp_to_key reduce",
        "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
        "itertools": _ITERATORS,
        "math": """
            acos acosh asin asinh atan atan2 atanh ceil comb copysign cos cosh degrees dist e erf exp expm1 fabs factorial
            floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp log log10 log1p log2 modf
            nan perm pi pow prod radians remainder sin sinh sqrt tan tanh tau trunc
        """,
        "operator": "add concat contains eq floordiv ge gt itemgetter le lt mul ne neg not_ pow truediv",
        "re": """
            A ASCII DOTALL I IGNORECASE M MULTILINE S X VERBOSE compile escape findall finditer fullmatch match search split sub
            subn
        """,
        "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable punctuation whitespace",
    }.items()
}
"""Functions and constants of modules; none that would make a set of two views, or text of its arguments, as an operator does. A
module's own name stands in front of a dot, and nowhere else."""
TYPING = frozenset(
    """
    Any Callable DefaultDict Deque Dict FrozenSet Hashable Iterable Iterator List Literal Mapping MutableMapping MutableSequence
    Optional Sequence Set Text Tuple Type Union
    """.split()
)
"""Names of `typing` that annotations may use."""
LAZY_METHODS = frozenset(("elements", "finditer"))
LAZY_LIBRARY = frozenset((*_ITERATORS.split(), "finditer", "merge", "cmp_to_key", "itemgetter"))
"""Methods and functions that make something whose text is an address."""
PYTHON_LIBRARY = frozenset(("Counter", "copy", "deepcopy", "merge", "nlargest", "nsmallest"))
"""Functions that are written in Python, as all of `re` is, and so take less of the stack once it is warm."""
RE_ARGUMENTS = {
    "compile": 1,
    "escape": 1,
    "findall": 2,
    "finditer": 2,
    "fullmatch": 2,
    "match": 2,
    "search": 2,
    "split": 2,
    "sub": 3,
}
"""Number of arguments that functions of `re` take by place: none that could be flags, which its cache compares by `==`."""
ENCODINGS = frozenset("ascii latin-1 latin1 utf-8 utf8 ignore replace strict".split())
"""Encodings, and ways to treat errors, that may be named: others are looked up once, and then known."""
FLOATING = frozenset("complex float math pow truediv".split())
"""Names by which whole numbers become floats, of which NaN is one."""
