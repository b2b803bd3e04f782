"""Values of the library's own types, which no literal spells: known by exact type, and read past every method.

Part of the worker program, like `canonical`: standard library only, and nothing imported that would make a fork dearer.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MemberDescriptorType
from typing import Any, NamedTuple, Self, cast

# The real name of a class: `cls.__name__` would run a hostile metaclass.
name_of_type = cast("Callable[[type], str]", type.__dict__["__name__"].__get__)
_mro = cast("Callable[[type], tuple[type, ...]]", type.__dict__["__mro__"].__get__)
_namespace = cast("Callable[[type], Mapping[str, Any]]", type.__dict__["__dict__"].__get__)

FORMS: dict[str, tuple[type, ...]] = {
    "Counter": (dict,),
    "OrderedDict": (dict,),
    "defaultdict": (type(None), dict),
    "namedtuple": (str, tuple, tuple),
    "Fraction": (int, int),
    "Decimal": (str,),
}
"""Types of the values between the brackets behind the name of a library type."""
_FIELD = type(_namespace(NamedTuple("_Named", [("field", int)]))["field"])


class LibraryValue(tuple[Any, ...]):
    """A value of a library type as the reader builds it: this class, the type's name, and the values between its brackets.

    The class in front makes it unequal to every literal.
    """

    __slots__ = ()

    @classmethod
    def of(cls, name: str, content: Sequence[Any]) -> Self:
        """The value that `name(*content)` spells."""
        return cls((cls, name, *content))


Library = Callable[[str, list[Any]], Any]
"""Builds a value of a library type from its type's name and the values between the brackets, see `FORMS`."""


def library_call(item: Any, kind: Any) -> tuple[str, Sequence[Any]] | None:
    """The name of a library type and the values between its brackets, read past all methods that a program can replace.

    Fraction and Decimal are known by the modules that the program imported: importing them here would make every fork dearer.
    A program may put a type of its own there, which is no more than choosing another result.
    """
    name = name_of_type(kind)
    if kind is LibraryValue:
        return item[1], item[2:]
    if name == "Fraction" and kind is getattr(sys.modules.get("fractions"), name, None):
        parts = [_namespace(kind).get("_numerator"), _namespace(kind).get("_denominator")]
        if all(type(part) is MemberDescriptorType for part in parts):
            return name, [cast(Any, part).__get__(item) for part in parts]
    if name == "Decimal" and kind is getattr(sys.modules.get("decimal"), name, None):
        text = kind.__str__(item)
        return name, [math.nan if "NaN" in text else text]
    if (fields := _fields(kind)) is not None:
        return "namedtuple", [name, fields, tuple(tuple.__iter__(item))]
    return None


def _fields(kind: type) -> tuple[str, ...] | None:
    """The field names of a class made by `namedtuple` or `NamedTuple` whose values compare as tuples do, else None."""
    if type(kind) is not type or len(_mro(kind)) != 3 or _mro(kind)[1] is not tuple or not name_of_type(kind).isidentifier():
        return None
    namespace = _namespace(kind)
    fields = namespace.get("_fields")
    if type(fields) is not tuple or any(type(field) is not str or type(namespace.get(field)) is not _FIELD for field in fields):
        return None
    return None if "__eq__" in namespace or "__ne__" in namespace or "__hash__" in namespace else fields
