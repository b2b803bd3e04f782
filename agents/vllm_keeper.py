"""Keeps an engine alive: starts it when it is first asked, hands weights over, puts a new one in the place of a dead one.

Before the engine takes memory of a device, as it starts or wakes, what this process only keeps for later is given back.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import torch
from transformers import PreTrainedModel

from .device_memory import MEMORY_TURN, free_cached_memory
from .engine_share import full_at_start, full_at_waking
from .errors import EngineDied, EngineFull
from .vllm_engine import DISCARD, KEEP
from .vllm_process import EngineFailed, EngineProcess
from .vllm_weights import NAME, WeightFiles


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
        self._given: int | None = None
        """Bytes of the device that the engine gave as it went to sleep; None while it is awake."""
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
        return {"model": NAME, **self._settings, **lora}

    def ask(self, command: str, **arguments: Any) -> Any:
        """Asks the engine, which is started where none is alive.

        Raises:
            EngineDied: It does not start, or died more than `restarts` times.
            EngineFull: The device has no room for it.
            ModelUnavailable: The interpreter has no vLLM.
            ValueError: The keeper is closed.
        """
        with self.lock:
            for remaining in reversed(range(self._restarts + 1)):
                try:
                    engine = self._awake()
                    self._check_open()
                    return engine.ask(command, **arguments)
                except EngineFull:
                    self._bury()
                    raise  # another one would find no more room
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
                if self._given is None:  # a sleeper reads them as it wakes
                    self._tell(command)
            elif command:
                self._tell(command, adapters=list(self._files.adapters.values()))
            elif self._engine is not None:  # it has no room for these adapters
                self._engine.kill()
                self._engine = self._given = None

    def sleep(self) -> str:
        """Has an engine that is running give the device's memory back, until it is asked or told something.

        Weights that are handed over whole are discarded, and read again from their files; those below adapters wait in main
        memory, which is quicker.

        Returns:
            Why it could not and was ended, which gives the memory back as well; else nothing.
        """
        with self.lock:
            if self._engine is not None and self._given is None:
                try:
                    self._given = self._engine.ask("sleep", level=KEEP if self.files.adapters else DISCARD)
                except EngineDied as error:
                    self._bury()
                    return str(error)
            return ""

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
            with MEMORY_TURN:
                self._check_open()  # it may have waited for an update
                free_cached_memory()
                engine = EngineProcess(self.python, files.folder, self._hang_s)
                try:
                    engine.start(self.settings)
                except EngineFailed as error:
                    full = full_at_start(error, self.settings, files.weights_bytes)
                    if full is None:
                        raise
                    raise full from error
            if files.adapters:
                engine.ask("take_adapters", adapters=list(files.adapters.values()))
            self._engine = engine
        return self._engine

    def _awake(self) -> EngineProcess:
        """The engine, with its memory back if it slept."""
        engine = self._running()
        if self._given is not None:
            free_cached_memory()
            free, total = engine.ask("memory")
            try:
                engine.ask("wake_up", read=not self.files.adapters)
            except EngineFailed as error:
                size = self.files.weights_bytes
                full = full_at_waking(error, self.settings, size, wanted=self._given, free=free, total=total)
                if full is None:
                    raise
                raise full from error
            self._given = None
        return engine

    def _tell(self, command: str, **arguments: Any) -> None:
        """Asks an engine that is running; one that dies of it is replaced by the next call, from the files."""
        if self._engine is not None:
            try:
                self._awake().ask(command, **arguments)
            except EngineFull:
                self._bury()
                raise
            except EngineDied:
                self._bury()

    def _bury(self) -> None:
        self._engine, self._given, self._bereaved = None, None, True

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this VllmSampler is closed; open another one with open_sampler.")
