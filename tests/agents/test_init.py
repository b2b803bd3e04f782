from __future__ import annotations

import subprocess
import sys

import pytest

import agents


def test_importing_the_package_and_a_config_does_not_import_torch() -> None:
    code = "import sys, agents; agents.TrainConfig; agents.find_preset; agents.LearnerConfig; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", agents.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(agents, name) is not None
    assert name in dir(agents)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        agents.Trainer  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    "first", ["from agents import train", "import agents.training.loop, agents.evaluation.evaluate", "import agents.cli.train"]
)
def test_a_function_is_not_hidden_by_the_module_of_its_name(first: str) -> None:
    code = f"{first}\nfrom agents import evaluate, train\nprint(evaluate.__qualname__, train.__qualname__)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "evaluate train\n"
