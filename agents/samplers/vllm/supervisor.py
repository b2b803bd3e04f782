"""The supervisor of an engine: starts it when it is first needed, gives it weights, starts a new one where one died.

Before the engine takes memory of a device, as it starts or wakes, what this process only keeps for later is given back.
"""

from __future__ import annotations

import threading
from typing import Any

import torch
from transformers import PreTrainedModel

from ...core.errors import EngineDied, EngineFull
from ...hardware.memory import MEMORY_TURN, free_cached_memory
from ...models.adapters import SHARED, adapter_names, check_adapter
from ...models.weights import Weights, weights_of
from ..stats import SamplerStats
from .engine import DISCARD, KEEP, Adapter, Completion
from .memory_share import full_at_start, full_at_waking
from .process import EngineFailed, EngineProcess
from .weights import NAME, WeightFiles


class EngineSupervisor:
    """One engine at a time, always with the weights that were loaded last.

    Calls from several threads wait for each other: each public method takes the lock once.

    Args:
        model: Of the weights' architecture; the engine starts with its weights, unless others are loaded before.
        dtype: Of the engine's weights.
        python: Interpreter that has vLLM.
        settings: Keywords of `vllm.LLM`, but for the model and room for adapters.
        hang_s: Seconds without a heartbeat after which an engine is taken for dead.
        restarts: How often one call starts a dead engine again.
        stats: Where `engine_restarts` are counted.
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
        stats: SamplerStats,
    ) -> None:
        self.python = python
        self.adapters = adapter_names(model)
        """Names of the adapters of the weights that were loaded last."""
        self.version = 0
        """Of these weights."""
        self._model = model
        self._dtype, self._settings = dtype, settings
        self._hang_s, self._restarts, self._stats = hang_s, restarts, stats
        self._files: WeightFiles | None = None
        self._engine: EngineProcess | None = None
        self._released: int | None = None
        """Bytes of the device that the engine gave back as it went to sleep; None while it is awake."""
        self._died = False
        """Whether the next engine takes the place of a dead one."""
        self._closed = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process number of the engine; None where none is running."""
        return None if self._engine is None else self._engine.pid

    @property
    def files(self) -> WeightFiles:
        """The weights of the engine; written now, if none were loaded before."""
        return self._files or self._write(weights_of(self._model, self.version))[0]

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords of `vllm.LLM` that an engine is started with now."""
        count, rank = self.files.room
        lora = {"enable_lora": True, "max_loras": count, "max_lora_rank": rank} if count else {}
        return {"model": NAME, **self._settings, **lora}

    def generate(self, adapter: str, **arguments: Any) -> tuple[list[Completion], int]:
        """Completions of the engine, and the version of its weights. An engine is started where none is alive.

        Args:
            adapter: Its name; empty: the shared one, or the first.
            **arguments: Of `Engine.generate`.

        Raises:
            EngineDied: It does not start, or died more than `restarts` times.
            EngineFull: The device has no room for it.
            ModelUnavailable: The interpreter has no vLLM.
            ValueError: There is no such adapter, or the supervisor is closed.
        """
        with self._lock:
            self._check_open()
            return self._call("generate", adapter=self._find_adapter(adapter), **arguments), self.version

    def load_weights(self, weights: Weights) -> None:
        """Writes weights to files, and has the engine load them where one is running."""
        with self._lock:
            self._check_open()
            files, loadable = self._write(weights)
            self.adapters = tuple(weights.adapters)
            if self._engine is not None:
                if not loadable:  # it has no room for these adapters, or room for some that are gone
                    self._engine.kill()
                    self._engine = self._released = None
                elif files.adapters:
                    self._update_engine("load_adapters", adapters=list(files.adapters.values()))
                elif self._released is None:  # a sleeper reads them as it wakes
                    self._update_engine("load_weights")
            self.version = weights.version

    def release_memory(self) -> str:
        """Has an engine that is running give the device's memory back, until it is called again.

        Weights that are loaded whole are discarded, and read again from their files; those below adapters wait in main memory,
        which is quicker.

        Returns:
            Why it could not and was ended, which gives the memory back as well; else nothing.
        """
        with self._lock:
            if self._engine is not None and self._released is None:
                try:
                    self._released = self._engine.call("sleep", level=KEEP if self.files.adapters else DISCARD)
                except EngineDied as error:
                    self._mark_dead()
                    return str(error)
            return ""

    def close(self) -> None:
        """Ends the engine, also in the middle of a call, and removes its files."""
        self._closed = True
        if not self._lock.acquire(blocking=False):
            if self._engine is not None:
                self._engine.interrupt()
            self._lock.acquire()
        try:
            if self._engine is not None:
                self._engine.close()
                self._engine = None
            if self._files is not None:
                self._files.close()
        finally:
            self._lock.release()

    def _write(self, weights: Weights) -> tuple[WeightFiles, bool]:
        """The files with those weights in them, and whether a running engine can load them."""
        files = self._files or WeightFiles(self._model, self._dtype)
        try:
            loadable = files.write(weights)
        except BaseException:
            if files is not self._files:  # no engine could start from them
                files.close()
            raise
        self._files = files
        return files, loadable

    def _call(self, command: str, **arguments: Any) -> Any:
        """The answer of an engine, which is started, and started again, where none is alive."""
        for remaining in reversed(range(self._restarts + 1)):
            try:
                engine = self._awake_engine()
                self._check_open()
                return engine.call(command, **arguments)
            except EngineFull:
                self._mark_dead()
                raise  # another one would find no more room
            except EngineDied as error:
                started = self._engine is not None
                self._mark_dead()
                self._check_open()
                if isinstance(error, EngineFailed) and not started:
                    raise  # it would refuse again
                if not remaining:
                    raise EngineDied(
                        f"{error}; {self._restarts} new starts did not help: resume the run, with fewer max_rows if memory "
                        "ran out, or with sampler='transformers'."
                    ) from error
        raise AssertionError

    def _running_engine(self) -> EngineProcess:
        """The engine, started with the newest weights if need be."""
        self._check_open()
        if self._engine is None:
            files = self.files
            if self._died:
                self._stats.add(engine_restarts=1)
                self._died = False
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
                engine.call("load_adapters", adapters=list(files.adapters.values()))
            self._engine = engine
        return self._engine

    def _awake_engine(self) -> EngineProcess:
        """The engine, with its memory back if it slept."""
        engine = self._running_engine()
        if self._released is not None:
            free_cached_memory()
            free, total = engine.call("memory")
            try:
                engine.call("wake_up", read=not self.files.adapters)
            except EngineFailed as error:
                size = self.files.weights_bytes
                full = full_at_waking(error, self.settings, size, wanted=self._released, free=free, total=total)
                if full is None:
                    raise
                raise full from error
            self._released = None
        return engine

    def _update_engine(self, command: str, **arguments: Any) -> None:
        """Has the running engine load weights; one that dies of it is replaced by the next call, from the files."""
        try:
            self._awake_engine().call(command, **arguments)
        except EngineFull:
            self._mark_dead()
            raise
        except EngineDied:
            self._mark_dead()

    def _find_adapter(self, name: str) -> Adapter | None:
        """The files of an adapter; None for weights without."""
        adapters = self.files.adapters
        name = name or (SHARED if SHARED in adapters or not adapters else next(iter(adapters)))
        check_adapter(name, adapters)
        return adapters.get(name)

    def _mark_dead(self) -> None:
        self._engine, self._released, self._died = None, None, True

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this VllmSampler is closed; open another one with open_sampler.")
