"""Keeps an engine alive: starts it when it is first asked, hands weights over, puts a new one in the place of a dead one."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import torch
from transformers import PreTrainedModel

from .errors import EngineDied
from .vllm_process import EngineFailed, EngineProcess
from .vllm_weights import WeightFiles


class EngineKeeper:
    """One engine at a time, always with the weights received last. Calls from several threads wait for each other.

    Args:
        model: Whose weights the engine starts with, unless others are received before.
        dtype: Of the engine's weights.
        python: Interpreter that has vLLM.
        settings: Keywords of `vllm.LLM`, but for the model and room for adapters.
        hang_s: Seconds without a sign of life after which an engine is taken for dead.
        restarts: How often one call starts a dead engine again.
        counts: Told of `engine_restarts`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        dtype: torch.dtype,
        python: str,
        settings: dict[str, Any],
        hang_s: float,
        restarts: int,
        counts: Counter[str],
    ) -> None:
        self.python = python
        self.model = model
        self._dtype, self._settings = dtype, settings
        self._hang_s, self._restarts = hang_s, restarts
        self._counts = counts
        self._files: WeightFiles | None = None
        self._engine: EngineProcess | None = None
        self._bereaved = False
        self._closed = False
        self.lock = threading.RLock()

    @property
    def pid(self) -> int | None:
        """Process number of the engine; None where none is running."""
        return None if self._engine is None else self._engine.pid

    @property
    def files(self) -> WeightFiles:
        """The weights of the engine; written now, if nothing was received before."""
        if self._files is None:
            self._files = WeightFiles(self.model, self._dtype)
        return self._files

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords of `vllm.LLM` that an engine is started with now."""
        count, rank = self.files.room
        lora = {"enable_lora": True, "max_loras": count, "max_lora_rank": rank} if count else {}
        return {"model": str(self.files.weights), **self._settings, **lora}

    def ask(self, command: str, **arguments: Any) -> Any:
        """Asks the engine, which is started where none is alive.

        Raises:
            EngineDied: It does not start, or died more than `restarts` times.
            ModelUnavailable: The interpreter has no vLLM.
            ValueError: The keeper is closed.
        """
        with self.lock:
            for remaining in reversed(range(self._restarts + 1)):
                try:
                    engine = self._running()
                    self._check_open()
                    return engine.ask(command, **arguments)
                except EngineDied as error:
                    started = self._engine is not None
                    self._bury()
                    self._check_open()
                    if isinstance(error, EngineFailed) and not started:
                        raise  # it would refuse again
                    if not remaining:
                        raise EngineDied(
                            f"{error}; {self._restarts} new starts did not help: resume the run, with fewer max_rows if memory "
                            "ran out, or with sampler='transformers'."
                        ) from error
        raise AssertionError

    def receive(self, model: PreTrainedModel) -> None:
        """Writes the weights of `model` and hands them to the engine, where one is running."""
        with self.lock:
            self._check_open()
            self.model = model
            if self._files is None:
                self._files = WeightFiles(model, self._dtype)
                return
            command = self._files.take(model)
            if command == "take_weights":
                self.tell(command, folder=str(self._files.weights))
            elif command:
                self.tell(command, adapters=list(self._files.adapters.values()))
            elif self._engine is not None:  # it has no room for these adapters
                self._engine.kill()
                self._engine = None

    def tell(self, command: str, **arguments: Any) -> None:
        """Asks an engine that is running; one that dies of it is replaced by the next call, from the files."""
        with self.lock:
            if self._engine is not None:
                try:
                    self._engine.ask(command, **arguments)
                except EngineDied:
                    self._bury()

    def close(self) -> None:
        """Ends the engine, also in the middle of a call, and removes its files."""
        self._closed = True
        if not self.lock.acquire(blocking=False):
            if self._engine is not None:
                self._engine.interrupt()
            self.lock.acquire()
        try:
            if self._engine is not None:
                self._engine.close()
                self._engine = None
            if self._files is not None:
                self._files.close()
        finally:
            self.lock.release()

    def _running(self) -> EngineProcess:
        """The engine, started with the newest weights if need be."""
        self._check_open()
        if self._engine is None:
            files = self.files
            if self._bereaved:
                self._counts["engine_restarts"] += 1
                self._bereaved = False
            engine = EngineProcess(self.python, files.folder, self._hang_s)
            engine.start(self.settings)
            if files.adapters:
                engine.ask("take_adapters", adapters=list(files.adapters.values()))
            self._engine = engine
        return self._engine

    def _bury(self) -> None:
        self._engine, self._bereaved = None, True

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this VllmSampler is closed; open another one with open_sampler.")
