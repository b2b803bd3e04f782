"""The verb `analyze`: questions asked of checkpoints, samples and runs, whoever made them; one table of sub-verbs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from selfplay_envs.core.text import did_you_mean

ANALYSES: dict[str, tuple[str, str]] = {
    "pass-at-k": ("pass_at_k:pass_at_k", "does training widen what a model can solve, or only sharpen it: pass@k from samples"),
    "sparsity": ("sparsity:sparsity", "how many weights two checkpoints share, layer by layer"),
    "entropy": ("entropy:entropy", "how sure a model is of its next token, by role and task type, and where"),
    "curriculum": (
        "curriculum.command:curriculum",
        "what proposers ask over training: how valid, long, hard and varied it is",
    ),
    "dynamics": ("dynamics:dynamics", "entropy and changed weights against pass@k over the steps of runs"),
    "stability": ("stability:stability", "whether runs stay healthy: rewards, KL, lengths, validity by role, and alarms"),
}
"""Per question `module:function` in `agents.cli.analyses`, and its line in the help. The function takes the other arguments."""


def analyze(args: Sequence[str]) -> int:
    """`selfplay analyze QUESTION ...`.

    Raises:
        ValueError: The question is not known.
    """
    if not args or args[0] in ("-h", "--help"):
        print(_help())
        return 0 if args else 2
    name, rest = args[0], args[1:]
    if name not in ANALYSES:
        raise ValueError(f"question={name!r} is not known{did_you_mean(name, ANALYSES)}; choose one of {', '.join(ANALYSES)}.")
    module, _, function = ANALYSES[name][0].partition(":")
    return getattr(import_module(f".analyses.{module}", __package__), function)(rest)


def _help() -> str:
    width = max(map(len, ANALYSES))
    lines = [f"  {name:<{width}}  {line}" for name, (_, line) in ANALYSES.items()]
    usage = ["usage: selfplay analyze QUESTION ...", "", *lines, "", "`selfplay analyze QUESTION --help` tells more."]
    return "\n".join(usage)
