"""Sandboxes as text: which backend, how many workers, which packages, as in `docker:workers=4,engine=auto`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .core.caps import RECYCLE_AFTER

BACKENDS = ("auto", "docker", "process")
ENGINES = ("cpython", "auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """A way to run programs. As text: `docker:workers=4,engine=auto` or `process:unsafe`; before the colon stands `backend`."""

    backend: str = "auto"
    """`docker`, `process`, or `auto`, which takes Docker where its engine answers and the process backend otherwise."""
    workers: int = 0
    """Programs that run side by side; 0: one for each processor."""
    engine: str = "cpython"
    """`cpython`, or `auto`: programs of a safe subset run in pydantic-monty, which is faster, and all others in CPython."""
    cache: int = 16
    """MiB for remembered verdicts; 0 runs every call anew."""
    recycle: int = RECYCLE_AFTER
    """Jobs after which a worker is replaced by a fresh one; 0: never."""
    packages: tuple[str, ...] = ()
    """Installed distributions that programs may import besides the standard library; in text: `with=numpy+sympy`."""
    runtime: str = ""
    """Docker only: the container runtime, such as `runsc` for gVisor; empty: the engine's default."""
    image: str = ""
    """Docker only: a published image with Python 3.11 or newer, pulled if it is not there; empty: one made from this Python."""
    hash_seeds: tuple[int, ...] = ()
    """Of the interpreters, eight; in text `hash-seeds=1+2+3+4+5+6+7+8`. Empty: drawn when it is opened."""
    unsafe: bool = False
    """Process only: run even where neither files nor network can be closed to programs."""

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(f"Unknown sandbox {self.backend!r}; choose one of {', '.join(BACKENDS)}.")
        if self.engine not in ENGINES:
            raise ValueError(f"sandbox engine={self.engine!r} is not known; choose one of {', '.join(ENGINES)}.")
        for name in ("workers", "cache", "recycle"):
            if getattr(self, name) < 0:
                raise ValueError(f"sandbox {name}={getattr(self, name)!r} is negative; 0 stands for the default.")
        if self.image and self.packages:
            raise ValueError(f"sandbox image={self.image!r} brings its own packages; leave out with=, or the image.")

    @classmethod
    def parse(cls, text: str) -> SandboxConfig:
        """The config that a text such as `docker:workers=2,with=numpy` describes.

        Raises:
            ValueError: It names something unknown; the sentence says what is known.
        """
        backend, _, rest = text.partition(":")
        values: dict[str, Any] = {"backend": backend}
        for item in filter(None, rest.split(",")):
            name, _, value = item.partition("=")
            if name in ("workers", "cache", "recycle") and value.isdecimal():
                values[name] = int(value)
            elif name in ("engine", "runtime", "image") and value:
                values[name] = value
            elif name == "with" and value:
                values["packages"] = tuple(value.split("+"))
            elif name == "hash-seeds" and all(map(str.isdecimal, value.split("+"))):
                values["hash_seeds"] = tuple(map(int, value.split("+")))
            elif item == "unsafe":
                values["unsafe"] = True
            else:
                raise ValueError(
                    f"sandbox={text!r}: {item!r} is not understood; known are workers=N, engine=auto, cache=MIB, recycle=N, "
                    "with=PACKAGE+PACKAGE, runtime=NAME, image=NAME, hash-seeds=N+N+... (eight) and unsafe, "
                    "as in docker:workers=2,engine=auto."
                )
        return cls(**values)

    def text(self) -> str:
        """The text that `parse` reads as this config; it names only what differs from the defaults."""
        default = SandboxConfig()
        names = ("workers", "engine", "cache", "recycle", "runtime", "image")
        items = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != getattr(default, name)]
        items += [f"with={'+'.join(self.packages)}"] if self.packages else []
        items += [f"hash-seeds={'+'.join(map(str, self.hash_seeds))}"] if self.hash_seeds else []
        items += ["unsafe"] if self.unsafe else []
        return f"{self.backend}:{','.join(items)}".rstrip(":")
