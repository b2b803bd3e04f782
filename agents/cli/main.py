"""The program `selfplay`: one table of verbs, each in a module that is imported only when its verb is typed.

Exit codes: 0 all is well; 1 the thing that was checked is not (a failed check, a credit that does not reproduce, a
broken installation), or a run had to stop and can be resumed; 2 the command was wrong, said in one sentence; 130 interrupted.
"""

from __future__ import annotations

import difflib
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

__all__ = ["VERBS", "main"]

VERBS: dict[str, tuple[str, str]] = {
    "train": ("train:train", "train a model by self-play from a preset; the main thing to type"),
    "compare": ("compare:compare", "train arms side by side under one budget, as in a paper"),
    "eval": ("evaluate:evaluate", "pass@k of a model or a run on held-out tasks and benchmarks"),
    "benchmarks": ("benchmarks:benchmarks", "list the benchmarks and other sources of fixed problems"),
    "analyze": ("analyze:analyze", "ask checkpoints, samples, runs: pass@k, changed weights, entropy"),
    "report": ("analyses.report:report", "draw the plot and print the tables of a run again"),
    "play": ("play:play", "play a role yourself in the terminal, or watch a model play"),
    "algorithms": ("algorithms:algorithms", "list the algorithms, their settings and papers"),
    "envs": ("envs:envs", "list the registered games"),
    "check": ("check:check", "run the conformance suite on a game, yours or ours"),
    "replay": ("replay:replay", "play recorded episodes again and compare every credit"),
    "sandbox": ("sandbox:sandbox", "build the Docker image that runs untrusted programs"),
    "doctor": ("doctor:doctor", "say what is installed, what is missing, what memory a run needs"),
}
"""Per verb `module:function` in `agents.cli`, and its line in the help. The function takes the remaining arguments."""

ERRORS = {
    "sandboxes.core.errors": "SandboxError",
    "selfplay_envs.core.errors": "SelfPlayError",
    "agents.core.errors": "AgentError",
}
"""The base of each package's errors, whose messages are sentences for the person who typed the command, by module."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of a disk that takes nothing more."""

TRACEBACK = "SELFPLAY_TRACEBACK"
"""Environment variable: set it to 1 to see where an error came from."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Args:
        argv: Arguments without the program's name; those of this process by default.

    Returns:
        The exit code; see the module's docstring. `--help` and options that tyro refuses raise `SystemExit` instead.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if args else 2
    verb, rest = args[0], args[1:]
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(VERBS)}."
        return _say(f"verb={verb!r} is not known; {hint}")
    if os.environ.get(TRACEBACK) == "1":
        return _run(verb, rest)
    try:
        return _run(verb, rest)
    except KeyboardInterrupt:
        _say("interrupted.")
        return 130
    except BrokenPipeError:  # the reader of a pipe has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = f": {error.filename}" if error.filename else ""
        _say(f"{error.strerror}{where}; make room and type it again (a run goes on with --out FOLDER --resume).")
        return 1
    except Exception as error:
        if not is_sentence(error):
            raise
        return _say(str(error))


def _run(verb: str, args: Sequence[str]) -> int:
    """Imports the verb's module and calls its function."""
    module, _, function = VERBS[verb][0].partition(":")
    return getattr(import_module(f".{module}", __package__), function)(args)


def is_sentence(error: Exception) -> bool:
    """Whether the error's message is a sentence for the person who typed the command: a `ValueError`, or one of `ERRORS`.

    Nothing is imported for that: an error whose module is not loaded was not raised.
    """
    bases = (getattr(sys.modules[module], name) for module, name in ERRORS.items() if module in sys.modules)
    return isinstance(error, (ValueError, *bases))


def _say(sentence: str) -> int:
    """Prints one sentence on stderr; returns the exit code of a wrong command."""
    print(f"selfplay: {sentence}", file=sys.stderr)
    return 2


def _help() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {line}" for verb, (_, line) in VERBS.items()]
    return "\n".join(
        [
            "usage: selfplay VERB ...",
            "",
            "Self-play between language-model roles: games that check themselves,",
            "models that learn from them.",
            "",
            *lines,
            "",
            "Start with `selfplay doctor`, then `selfplay train azr-tiny`.",
            "`selfplay VERB --help` tells more.",
        ]
    )
