"""Things by name: those that are built in, those of installed packages, and `module:NAME` for one's own.

Every kind of part that can be swapped is one `Registry`: judges, proposer rewards, shapers, verifiers, algorithms, samplers,
presets. A text may hold options, `NAME:key=value,key=value`, which become keywords of what it names; so a part is always a
plain text, and `env.spec`, a config or a command line can hold it.

A package adds to a kind by an entry point of the kind's group in its pyproject.toml:

    [project.entry-points."selfplay_envs.judges"]
    vowels = "my_judges:Vowels"
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from ..core.errors import UsageError
from ..core.text import did_you_mean
from .loading import blame, load_named
from .options import read_options, typed_options

T = TypeVar("T")


class Registry(Generic[T]):
    """One kind of things by name. Nothing is imported before it is looked up.

    Args:
        field: Where such a text is given, such as `judge`; errors begin with it.
        table: The built-in ones: `module:NAME` texts, or the things themselves.
        group: Entry-point group of installed packages.
        what: Name of the kind with its article, such as `a judge class`.
        fits: Whether an object is of that kind; it may try the object, and its error is reported.
        takes: Leading arguments that such a thing is called with; its other keywords can be written as options. None where
            texts hold no options.
    """

    def __init__(
        self,
        field: str,
        table: Mapping[str, str | T],
        *,
        group: str,
        what: str,
        fits: Callable[[Any], object],
        takes: int | None = None,
    ) -> None:
        self.field, self.table, self.group, self.what = field, table, group, what
        self._fits, self._takes = fits, takes

    @cached_property
    def packages(self) -> dict[str, str]:
        """Entries of installed packages, as `module:NAME` by name; a name that is taken already is left out with a warning."""
        entries: dict[str, str] = {}
        for point in sorted(entry_points(group=self.group), key=lambda point: (point.name, point.value)):
            text = f"{point.module}:{point.attr}"
            owner = "built in" if point.name in self.table else entries.setdefault(point.name, text)
            if owner != text:
                warnings.warn(
                    f"{self.field}={point.name!r} stays {owner}: the entry point {point.value} of {self.group} has the same "
                    "name and is left out; rename it.",
                    stacklevel=2,
                )
        return entries

    def names(self) -> tuple[str, ...]:
        """The names that can be given on this installation."""
        return (*self.table, *self.packages)

    def read(self, text: str) -> tuple[str, dict[str, str]]:
        """Splits a text into its name (`NAME` or `module:NAME`) and its options; imports nothing.

        Raises:
            UsageError: No such name is known, or an option is named twice.
        """
        head, _, rest = text.partition(":")
        if head not in self.table and head not in self.packages:
            attribute, _, rest = rest.partition(":")
            if not attribute or "=" in attribute:
                names = self.names()
                raise UsageError(unknown(self.field, text, names, did_you_mean(head, names)))
            head = f"{head}:{attribute}"
        options = read_options(rest, text, self.field)
        if options and self._takes is None:
            raise UsageError(f"{self.field}={text!r} takes no options in its text; write {head} alone.")
        return head, options

    def find(self, text: str) -> T:
        """The thing of that text, with its options bound (`functools.partial`).

        Raises:
            UsageError: The name or an option is not known, the module cannot be imported, or holds something else; one
                sentence, with the author's file and line where a module of one's own is wrong.
        """
        name, options = self.read(text)
        entry = self.table.get(name) or self.packages.get(name, name)
        thing: Any = load_named(entry, self.field) if isinstance(entry, str) else entry
        module, _, attribute = (entry if isinstance(entry, str) else name).partition(":")
        try:
            bound = self._bind(thing, options, text)
            fits = self._fits(bound)
        except UsageError:
            raise
        except (Exception, SystemExit) as error:  # somebody else's code, tried for the first time
            raise UsageError(f"{self.field}={text!r}: {blame(error, module)}; mend {attribute}.") from error
        if not fits:
            what = self.what.partition(" ")[2]
            raise UsageError(f"{self.field}={text!r} names no {what}; assign one to {attribute!r} in that module.")
        return cast(T, bound)

    def _bind(self, thing: Any, options: Mapping[str, str], text: str) -> Any:
        if self._takes is None:
            return thing
        if not callable(thing):
            if options:
                raise UsageError(f"{self.field}={text!r} is a ready object and takes no options; name what makes it.")
            return thing
        keywords = typed_options(thing, options, text, self.field, takes=self._takes)
        return partial(thing, **keywords) if keywords else thing


def unknown(field: str, text: str, names: Iterable[str], hint: str = "", form: str = "module:NAME") -> str:
    """The error message about an unknown name.

    Args:
        field: Argument that the name was given for.
        text: The name.
        names: The known names.
        hint: From `did_you_mean`.
        form: Form of a text that names a thing of one's own.
    """
    return f"{field}={text!r} is not known{hint or ';'} choose one of {', '.join(names)}, or {form} for one of your own."
