"""The source of the worker: what it is made of, in which order, and that it needs nothing but the standard library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import sandboxes
from sandboxes.backends.worker_command import base_interpreter, worker_source

SHIPPED = re.findall(r"\('(sandboxes\.[\w.]+)', ", worker_source())
PACKAGE = Path(sandboxes.__file__).parent


def test_every_module_of_the_worker_is_shipped_once_and_the_program_comes_last() -> None:
    worker = {f"sandboxes.worker.{path.stem}" for path in (PACKAGE / "worker").glob("*.py") if path.stem != "__init__"}
    assert worker <= set(SHIPPED)
    assert len(set(SHIPPED)) == len(SHIPPED)
    assert SHIPPED[-1] == "sandboxes.worker.main"


def test_whatever_would_make_a_fork_dearer_stays_at_home() -> None:
    assert {name.split(".")[1] for name in SHIPPED} == {"protocol", "worker"}
    assert "sandboxes.protocol.equality" not in SHIPPED
    script = f"import sys\n{worker_source().rpartition('sys.modules[')[0]}\nprint(*sys.modules)"
    ran = subprocess.run([base_interpreter(), "-s", "-S", "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert {name for name in loaded if name.startswith("sandboxes.")} >= set(SHIPPED)
    assert not loaded & {"decimal", "fractions", "threading", "random", "docker", "concurrent.futures", "logging"}


def test_modules_come_after_those_that_they_import() -> None:
    for position, name in enumerate(SHIPPED):
        tree = ast.parse((PACKAGE.parent / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = ".".join(name.split(".")[: -node.level] + ([node.module] if node.module else []))
                modules = [base] if node.module else [f"{base}.{alias.name}" for alias in node.names]
                assert set(modules) <= set(SHIPPED[:position]), name
            elif isinstance(node, ast.Import):
                assert all(alias.name.partition(".")[0] in sys.stdlib_module_names for alias in node.names), name
