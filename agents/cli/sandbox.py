"""The verb `sandbox`: makes the Docker image ready that runs untrusted programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from sandboxes import Job, SandboxConfig, Status, open_sandbox

from ..arguments.parser import parse
from ..display.tables import make_console


@dataclass(frozen=True)
class Sandbox:
    """Makes the Docker image that runs untrusted programs ready. Not needed by hand: first use does the same."""

    action: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="build")]]
    """What to do: build."""
    packages: Annotated[tuple[str, ...], tyro.conf.arg(name="with")] = ()
    """Installed distributions that programs may import besides the standard library, such as numpy."""
    image: str = ""
    """A published image with Python 3.11 or newer to pull, instead of building one from this Python."""


def sandbox(args: Sequence[str]) -> int:
    """`selfplay sandbox build`: the first job builds or pulls the image, and its answer proves that containers run."""
    command = parse(Sandbox, "sandbox", args)
    if command.action != "build":
        raise ValueError(f"action={command.action!r} is not known; type `selfplay sandbox build`.")
    config = SandboxConfig(backend="docker", packages=command.packages, image=command.image)
    source = f"pulling {config.image}" if config.image else "building the sandbox image from the running interpreter"
    console = make_console()
    with console.status(f"{source}, and running a program in it ..."):
        [outcome] = open_sandbox(config).run([Job(program="def f(x):\n    return x + 1", calls=("1",))])
    if outcome.status is not Status.OK:
        console.print(f"The image is there, but f(1) of `return x + 1` ended with {outcome.status} in it; try `docker info`.")
        return 1
    console.print(f"The image is ready and a program ran in it; to use it, type --sandbox {config.text()}")
    return 0
