"""Runs untrusted Python programs: many at once, isolated, never trusting what they print.

    from sandboxes import Job, open_sandbox

    sandbox = open_sandbox("auto")
    [outcome] = sandbox.run([Job(program="def f(x): return x + 1", calls=("1", "x=2"))])
    outcome.calls[0].value   # '2'

Importing this starts nothing and needs only the standard library; the docker package is loaded when it is used.
"""

from .docker_engine import docker_available
from .errors import SandboxError, SandboxUnavailable
from .literals import NotALiteral, NotSerialisable, TooLarge, canonical, parse_arguments, parse_literal, same_text, same_value
from .opening import SandboxConfig, describe, open_sandbox
from .pool import draw_hash_seeds
from .purity import Purity, purity_of
from .scripted import ScriptedSandbox
from .spec import CallOutcome, CodeSandbox, Job, Limits, Outcome, Status
from .stats import SandboxStats

__all__ = [
    "CallOutcome",
    "CodeSandbox",
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
