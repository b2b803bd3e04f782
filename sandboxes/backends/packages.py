"""Installed distributions for programs that may import more than the standard library: which files, and what to import."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from ..core.errors import SandboxUnavailable
from .worker_command import base_interpreter

_SKIPPED = re.compile(r"(^|/)(tests?|__pycache__)/|\.(pyi|pxd|h|a|lib)$")


@dataclass(frozen=True, slots=True)
class Packages:
    """Distributions with all they require."""

    distributions: tuple[Distribution, ...]
    modules: Mapping[str, tuple[str, ...]]
    """Import names of the distributions that were named, by those names: a worker imports them before it forks."""

    @property
    def digest(self) -> str:
        """Names these versions, in hex."""
        names = sorted(f"{each.name}=={each.version}" for each in self.distributions)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file: where it goes in a folder on `sys.path`, and where it is now; sorted."""
        paths: dict[str, Path] = {}
        for each in self.distributions:
            for file in each.files or ():
                relative = str(PurePosixPath(file))
                path = Path(str(file.locate()))
                if not relative.startswith("..") and not _SKIPPED.search(relative) and path.is_file():
                    paths[relative] = path
        return iter(sorted(paths.items()))

    def folder(self) -> Path:
        """A folder of its own that holds these files, copied and compiled once for each set of versions.

        Without byte code, a worker would compile some packages for ten seconds, each time that one starts.

        Raises:
            SandboxUnavailable: It cannot be written.
        """
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfplay"
        target = cache / f"compiled-packages-{self.digest}"
        if target.is_dir():
            return target
        making = cache / f"making-{os.getpid()}-{self.digest}"
        try:
            for relative, path in self.files():
                place = making / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)  # with its time, by which byte code knows its source
                if (code := _byte_code(path)).is_file():
                    _byte_code(place).parent.mkdir(exist_ok=True)
                    shutil.copyfile(code, _byte_code(place))
            _compile(making)
            making.rename(target)
        except OSError as error:
            shutil.rmtree(making, ignore_errors=True)
            if not target.is_dir():  # else another process was faster
                raise SandboxUnavailable(f"Cannot write {target}: {error}; set XDG_CACHE_HOME to another folder.") from error
        return target


def _byte_code(source: Path) -> Path:
    """Where Python keeps the byte code of a source."""
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"


def _compile(folder: Path) -> None:
    """Makes the byte code that is missing, in a process of its own: it may take many seconds. Sources that are none stay."""
    command = [base_interpreter(), "-s", "-S", "-m", "compileall", "-q", "-q", str(folder)]
    subprocess.run(command, check=False, cwd="/", stdin=subprocess.DEVNULL, capture_output=True)


def normal_name(name: str) -> str:
    """The one spelling of a distribution's name: `Reasoning_Gym` is `reasoning-gym`. See PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_packages(names: Iterable[str]) -> None:
    """Checks that jobs may name these distributions in `Job.packages`; takes milliseconds and imports none of them.

    Raises:
        SandboxUnavailable: One is not installed here; says what to type.
    """
    find_packages(names)


def find_packages(names: Iterable[str]) -> Packages:
    """The installed distributions of these names and what they require.

    Raises:
        SandboxUnavailable: One is not installed here.
    """
    distributions: dict[str, Distribution] = {}
    modules: dict[str, tuple[str, ...]] = {}
    waiting = [(name, True) for name in names]
    while waiting:
        name, is_named = waiting.pop(0)
        key = normal_name(name)
        if key in distributions:
            continue
        try:
            distributions[key] = distribution(name)
        except PackageNotFoundError:
            if is_named:
                raise SandboxUnavailable(
                    f"Programs are to import the package {name}, which is not installed here; type `pip install {name}`."
                ) from None
            continue  # an optional requirement, or one for another platform
        if is_named:
            modules[key] = _modules(distributions[key])
        for requirement in distributions[key].requires or ():
            if "extra ==" not in requirement:
                waiting.append((re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0], False))
    return Packages(tuple(distributions.values()), modules)


def _modules(package: Distribution) -> tuple[str, ...]:
    """The import names of a distribution: its folders with an `__init__.py`, and its single modules."""
    names: set[str] = set()
    for file in package.files or ():
        parts = file.parts
        if (len(parts) == 2 and parts[1] == "__init__.py") or (len(parts) == 1 and file.suffix == ".py"):
            names.add(parts[0].removesuffix(".py"))
    return tuple(sorted(name for name in names if name.isidentifier() and not name.startswith("_")))
