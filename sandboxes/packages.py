"""Installed distributions for programs that may import more than the standard library: which files, and what to import."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from .errors import SandboxUnavailable

_SKIPPED = re.compile(r"(^|/)(tests?|__pycache__)/|\.(pyi|pxd|h|a|lib)$")


@dataclass(frozen=True, slots=True)
class Packages:
    """Distributions with all they require."""

    distributions: tuple[Distribution, ...]
    modules: tuple[str, ...]
    """Import names of the distributions that were asked for: what a worker imports before it forks."""

    @property
    def digest(self) -> str:
        """Names these versions, in hex."""
        names = sorted(f"{one.name}=={one.version}" for one in self.distributions)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file: where it goes in a folder on `sys.path`, and where it is now; sorted."""
        found: dict[str, Path] = {}
        for one in self.distributions:
            for file in one.files or ():
                relative = str(PurePosixPath(file))
                path = Path(str(file.locate()))
                if not relative.startswith("..") and not _SKIPPED.search(relative) and path.is_file():
                    found[relative] = path
        return iter(sorted(found.items()))

    def folder(self) -> Path:
        """A folder of its own that holds these files, linked or copied once for each set of versions.

        Raises:
            SandboxUnavailable: It cannot be written.
        """
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfplay"
        target = cache / f"packages-{self.digest}"
        if target.is_dir():
            return target
        making = cache / f"making-{os.getpid()}-{self.digest}"
        try:
            for relative, path in self.files():
                place = making / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
            making.rename(target)
        except OSError as error:
            shutil.rmtree(making, ignore_errors=True)
            if not target.is_dir():  # else another process was faster
                raise SandboxUnavailable(f"Cannot write {target}: {error}; set XDG_CACHE_HOME to another folder.") from error
        return target


def find_packages(names: Iterable[str]) -> Packages:
    """The installed distributions of these names and what they require.

    Raises:
        SandboxUnavailable: One is not installed here.
    """
    found: dict[str, Distribution] = {}
    modules: list[str] = []
    waiting = [(name, True) for name in names]
    while waiting:
        name, asked = waiting.pop(0)
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            if asked:
                raise SandboxUnavailable(f"with={name}: {name} is not installed here; type `pip install {name}`.") from None
            continue  # an optional requirement, or one for another platform
        if asked:
            modules += _modules(found[key])
        for requirement in found[key].requires or ():
            if "extra ==" not in requirement:
                waiting.append((re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0], False))
    return Packages(tuple(found.values()), tuple(modules))


def _modules(one: Distribution) -> list[str]:
    """The import names of a distribution: its folders with an `__init__.py`, and its single modules."""
    names: set[str] = set()
    for file in one.files or ():
        parts = file.parts
        if (len(parts) == 2 and parts[1] == "__init__.py") or (len(parts) == 1 and file.suffix == ".py"):
            names.add(parts[0].removesuffix(".py"))
    return sorted(name for name in names if name.isidentifier() and not name.startswith("_"))
