"""The arrow of the architecture: sandboxes <- selfplay_envs <- agents <- examples; and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = ("sandboxes", "selfplay_envs", "agents", "examples", "tests")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def test_nobody_imports_upward():
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for rank, layer in enumerate(LAYERS[:-1])
        for path in (ROOT / layer).rglob("*.py")
        for name in imports(path) & set(LAYERS[rank + 1 :])
    ]
    assert not upward


def test_no_cycles_inside_a_package():
    for layer in LAYERS[:3]:
        edges: dict[str, set[str]] = {}
        for path in (ROOT / layer).rglob("*.py"):
            here = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            package = here if path.name == "__init__.py" else here.rpartition(".")[0]
            edges[here] = set()
            for node in ast.parse(path.read_text()).body:  # top level only: a late import is no cycle at import time
                if isinstance(node, ast.ImportFrom) and node.level:
                    base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                    stem = f"{base}.{node.module}" if node.module else base
                    edges[here] |= {f"{stem}.{alias.name}" for alias in node.names} | ({stem} if node.module else set())
        seen: dict[str, int] = {}

        def visit(name: str, trail: tuple[str, ...], edges: dict[str, set[str]] = edges, seen: dict[str, int] = seen) -> None:
            assert name not in trail, " -> ".join((*trail, name))
            if name in edges and name not in seen:
                for target in sorted(edges[name]):
                    visit(target, (*trail, name))
                seen[name] = 1

        for name in sorted(edges):
            visit(name, ())


def test_importing_selfplay_envs_loads_neither_torch_nor_docker():
    code = (
        "import sys, selfplay_envs; print(sorted({'torch', 'docker', 'transformers', 'pettingzoo', 'rich'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.strip() == "[]"
    assert ran.stderr == ""


def test_what_has_a_name_is_imported_when_it_is_asked_for():
    code = "\n".join(
        [
            "import sys, selfplay_envs, agents.presets, agents.sampler_text",
            "from selfplay_envs.judges import JUDGES",
            "lazy = ['selfplay_envs.judges.rules', 'selfplay_envs.games.code', 'agents.transformers_sampler', 'torch']",
            "print([name for name in lazy if name in sys.modules])",
            "JUDGES.find('rules')",
            "print([name for name in lazy if name in sys.modules])",
        ]
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.splitlines() == ["[]", "['selfplay_envs.judges.rules']"]


def test_import_names_resolve_to_this_project():
    """`openai-agents` and `cased-sandboxes` install packages of the same names."""
    from importlib.util import find_spec

    for name in LAYERS[:3]:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin == str(ROOT / name / "__init__.py")
