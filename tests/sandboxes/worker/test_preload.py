"""Importing packages before programs run: in silence, and without harm from one that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandboxes.worker.preload import preload


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {
        "toy_loud": "import os, sys\nprint('out'); print('err', file=sys.stderr); os.system('echo child')",
        "toy_broken": "raise RuntimeError('two\\nlines')",
        "toy_leaving": "raise SystemExit('bye')",
        "toy_cached": "import os\nassert os.access(os.environ['MPLCONFIGDIR'], os.W_OK), 'no folder'",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MPLCONFIGDIR", "set back afterwards")


def test_nothing_is_printed(tmp_path: Path) -> None:
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom sandboxes.worker.preload import preload\n"
    script += "print(preload({'preload-loud': 'toy_loud', 'packages': 'elsewhere'})); print('after', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "after\n")


def test_a_distribution_fails_if_none_of_its_modules_can_be_imported() -> None:
    options = {
        "preload-broken": "toy_broken",
        "preload-both": "toy_broken+toy_leaving",
        "preload-half": "toy_broken+json",
        "preload-leaving": "toy_leaving",
        "preload-absent": "toy_absent",
    }
    assert preload(options) == [
        "broken: RuntimeError: two lines",
        "both: RuntimeError: two lines",
        "leaving: SystemExit: bye",
        "absent: ModuleNotFoundError: No module named 'toy_absent'",
    ]


def test_packages_that_want_a_cache_folder_believe_in_one_and_nobody_else() -> None:
    asked = os.access
    assert preload({"preload-cached": "toy_cached"}) == []
    assert os.access is asked
