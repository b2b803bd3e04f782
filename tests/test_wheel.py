"""The wheel holds everything: installed outside the checkout it trains and diagnoses."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def call(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment in another folder: the wheel installed, its dependencies borrowed from this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    call(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    # a path in a .pth file is searched, but the .pth files in it (our own editable install) are not read
    [packages] = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_trains_and_diagnoses_outside_the_checkout(elsewhere: Path):
    program = elsewhere / "venv/bin/selfplay"
    where = call(
        elsewhere / "venv/bin/python",
        "-c",
        "import agents, sandboxes; print(agents.__file__, sandboxes.__file__)\n"
        "from selfplay_envs.sources.registry import open_source\n"
        "print(open_source('sample').origin, len(list(open_source('sample').read())))",
        cwd=elsewhere,
    )
    assert where.count(str(elsewhere)) == 3
    assert where.endswith("sample.jsonl 12\n")
    call(program, "train", "kuhn-tiny", "--steps", "1", "--out", elsewhere / "run", "--no-live", cwd=elsewhere)
    assert (elsewhere / "run/metrics.jsonl").is_file()
    assert "torch" in call(program, "doctor", cwd=elsewhere)
