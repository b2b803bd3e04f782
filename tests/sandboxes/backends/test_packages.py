"""Programs that may import more than the standard library, and the image that carries it."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable
from importlib.metadata import version

import pytest

from sandboxes import CodeSandbox, Job, SandboxUnavailable, Status, open_sandbox
from sandboxes.backends.docker_image import write_image
from sandboxes.backends.packages import find_packages

Opener = Callable[[str, int], CodeSandbox]


def test_requirements_come_along_and_missing_ones_have_a_remedy() -> None:
    packages = find_packages(["sympy"])
    assert {one.name for one in packages.distributions} == {"sympy", "mpmath"}
    assert "sympy" in packages.modules
    assert "mpmath" not in packages.modules
    names = [name for name, _ in packages.files()]
    assert "mpmath/__init__.py" in names
    assert names == sorted(names)
    with pytest.raises(SandboxUnavailable, match="pip install no-such-package"):
        find_packages(["no-such-package"])


def test_the_same_files_make_the_same_image_whenever_they_were_installed() -> None:
    def build() -> tuple[str, list[tarfile.TarInfo]]:
        with tempfile.TemporaryFile() as file:
            digest = write_image(file)
            file.seek(0)
            return digest, tarfile.open(fileobj=file).getmembers()

    digest, members = build()
    assert build()[0] == digest
    assert {member.mtime for member in members} == {0}
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}
    assert not any(member.mode & 0o7000 for member in members)  # nothing that changes its user
    names = [member.name for member in members]
    assert not any(name.endswith(("/sh", "/bash", "/pip")) for name in names)
    assert sum(member.size for member in members) < 100 << 20


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_programs_use_numpy_where_it_is_offered_and_only_there(opener: Opener, name: str) -> None:
    program = "import numpy as np\ndef f(n):\n    return np.linalg.det(np.eye(n)).item(), np.__version__, np.arange(n).tolist()"
    bare = opener(name, 1)
    assert bare.run([Job(program=program, calls=("3",))])[0].calls[0].error == "ModuleNotFoundError"
    offered = open_sandbox(f"{name}:workers=1,cache=0,with=numpy")
    try:
        jobs = [Job(program=program, calls=("3",), determinism=True)]
        jobs.append(Job(program="import torch\ndef f(x):\n    return x", calls=("1",)))
        numbers, torch = offered.run(jobs)
        assert numbers.calls[0].value == f"(1.0, '{version('numpy')}', [0, 1, 2])"
        assert torch.calls[0].error == "ModuleNotFoundError"
        bomb = Job(program="import numpy as np\ndef f(n):\n    return np.ones(n).sum().item()", calls=(str(10**10),))
        assert offered.run([bomb])[0].status in (Status.MEMORY, Status.EXCEPTION)
        assert offered.run([jobs[0]])[0].status is Status.OK
    finally:
        offered.close()
