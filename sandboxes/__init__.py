"""Runs untrusted Python programs: many at once, isolated, never trusting what they print.

    from sandboxes import Job, open_sandbox

    sandbox = open_sandbox("auto")
    [outcome] = sandbox.run([Job(program="def f(x): return x + 1", calls=("1", "x=2"))])
    outcome.calls[0].value   # '2'

Importing this starts nothing and needs only the standard library; the docker package is loaded when it is used.
"""

from .backends.docker_engine import docker_available
from .backends.packages import check_packages
from .config import SandboxConfig
from .core.errors import SandboxError, SandboxUnavailable
from .core.moved import forward
from .core.stats import SandboxStats
from .core.types import CallOutcome, CodeSandbox, Job, Limits, Outcome, Status
from .diagnosis import Component, describe
from .pool.sandbox import draw_hash_seeds
from .protocol.canonical import NotSerialisable, TooLarge, canonical
from .protocol.equality import same_text, same_value
from .protocol.literals import NotALiteral, parse_arguments, parse_literal
from .purity.proof import Purity, purity_of
from .registry import open_sandbox
from .scripted import ScriptedSandbox

__all__ = [
    "CallOutcome",
    "CodeSandbox",
    "Component",
    "Job",
    "Limits",
    "NotALiteral",
    "NotSerialisable",
    "Outcome",
    "Purity",
    "SandboxConfig",
    "SandboxError",
    "SandboxStats",
    "SandboxUnavailable",
    "ScriptedSandbox",
    "Status",
    "TooLarge",
    "canonical",
    "check_packages",
    "describe",
    "docker_available",
    "draw_hash_seeds",
    "open_sandbox",
    "parse_arguments",
    "parse_literal",
    "purity_of",
    "same_text",
    "same_value",
]
forward(
    __name__,
    {
        "errors": "core.errors",
        "literals": "protocol.literals protocol.equality protocol.canonical",
        "monty": "monty.sandbox monty.gate",
        "opening": "registry config diagnosis",
        "pool": "pool.sandbox pool.frames",
        "purity": "purity.proof",
        "spec": "core.types",
        "stats": "core.stats",
    },
)
