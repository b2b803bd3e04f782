"""Rows of the Hugging Face hub, and of folders in its form, through the `datasets` package."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from .rows import BATCH_ROWS, Rows

PROBE_S = 10.0
"""Seconds within which the hub has to answer a first question; a package of its own would try for a minute and longer."""
_SWITCHES = threading.Lock()
"""Held while switches of the `datasets` package, which are global, are changed."""


def read_hub(name: str, config: str = "", split: str = "test", *, remedy: str) -> Rows:
    """Yields (place, row) of a split. Without a network, what an earlier visit left in the cache of `datasets` is read.

    Memory does not grow with the rows: the package keeps them in a file, which it maps.

    Args:
        name: Id on the hub, as in `openai/gsm8k`, or a local folder of `.jsonl`, `.csv` or `.parquet` files.
        config: Of the data set; empty: its default.
        split: Which of its splits.
        remedy: Half-sentence that says what else the user can give, for where the hub cannot be reached.

    Raises:
        UsageError: The package is missing; there is no such set, config or split; it is gated; or the hub cannot be reached.
    """
    text = f"hf:{name}:{config}:{split}"
    try:
        import datasets
        from datasets.exceptions import DatasetsError
    except ImportError:
        raise UsageError(
            f"source={text!r} needs the package datasets; pip install 'selfplay[benchmarks]', or {remedy}."
        ) from None
    away = "" if Path(name).is_dir() else _why_away(name, text, remedy)
    try:
        with _quiet(offline=bool(away)):
            table: Any = datasets.load_dataset(name, config or None, split=split).with_format("arrow")
        number = 0
        for batch in table.iter(batch_size=BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield f"{text} row {number}", row
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        if away:
            raise UsageError(
                f"source={text!r}: the hub cannot be reached ({away}), and no earlier visit left these rows here; {remedy}."
            ) from error
        raise UsageError(f"source={text!r} cannot be read: {_line(error)}; choose among those, or {remedy}.") from error


def _why_away(name: str, text: str, remedy: str) -> str:
    """Why the hub cannot be reached; empty where it answered.

    Raises:
        UsageError: It answered that there is no such data set.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        HfApi().dataset_info(name, timeout=PROBE_S)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UsageError(
            f"source={text!r}: the hub shows no data set {name!r}, and there is no such folder; correct the id, log in with "
            f"`hf auth login` where it is private or gated, or {remedy}."
        ) from error
    except Exception as error:  # its client raises the errors of whatever sends its requests
        return _line(error)
    return ""


@contextmanager
def _quiet(*, offline: bool) -> Generator[None]:
    """No progress bars, which would run through a live screen; and no retries where the hub is known to be away."""
    from datasets import are_progress_bars_disabled, config, disable_progress_bars, enable_progress_bars

    with _SWITCHES:
        bars, was_offline = are_progress_bars_disabled(), config.HF_HUB_OFFLINE
        disable_progress_bars()
        config.HF_HUB_OFFLINE = offline or was_offline
        try:
            yield
        finally:
            config.HF_HUB_OFFLINE = was_offline
            if not bars:
                enable_progress_bars()


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
