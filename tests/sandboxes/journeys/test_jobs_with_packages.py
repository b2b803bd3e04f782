"""Jobs that name packages, in both backends: they find them, others do not, and they are as contained as all others."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandboxes import CodeSandbox, Job, Limits, SandboxUnavailable, Status
from sandboxes.config import SandboxConfig
from sandboxes.registry import _create
from tests.helpers.canaries import ERRORS, Host, program
from tests.helpers.engine import need_docker
from tests.helpers.toy_distribution import install

BACKENDS = ["process", pytest.param("docker", marks=pytest.mark.docker)]
TOY = "print('hello')\nfrom os import getpid\nWHERE = getpid()\ndef double(x):\n    return 2 * x\n"
ATTACKS = {
    "a file": "open(host['folder'] + '/new', 'w')",
    "an old file": "os.truncate(host['folder'] + '/secret', 0)",
    "the network": "socket.create_connection(('127.0.0.1', host['tcp']), 1)",
    "a signal": "os.kill(host['trainer'], 9)",
    "the worker": "import toy_module\nos.kill(toy_module.WHERE, 9)",
    "a process": "os.fork()",
}
SCORES = """
def math(gold, answer):
    from math_verify import parse, verify
    read = [parse(text, parsing_timeout=None) for text in (gold, answer)]
    return verify(*read, timeout_seconds=None)

def gym(name, answer):
    import reasoning_gym
    [entry] = reasoning_gym.create_dataset(name, size=1, seed=7)
    return reasoning_gym.get_score_answer_fn(name)(entry["answer"] if answer is None else answer, entry)
"""


def open_one(backend: str, **settings: object) -> CodeSandbox:
    if backend == "docker":
        need_docker()
    return _create(SandboxConfig(backend=backend, workers=1, cache=0, **settings))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=BACKENDS)
def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeSandbox]:
    """One worker for jobs without packages, and one for those with the toy."""
    with pytest.MonkeyPatch.context() as patch:
        install(tmp_path_factory.mktemp("site"), patch, "toy-distribution", {"toy_module": TOY})
        opened = open_one(request.param)
        yield opened
        opened.close()


def test_only_jobs_that_name_a_package_find_it_and_the_order_is_kept(sandbox: CodeSandbox) -> None:
    with_toy = Job(
        program="import toy_module\ndef f(x): return toy_module.double(x)", calls=("1", "2"), packages=("Toy.Distribution",)
    )
    without = Job(program=with_toy.program, calls=("1",))
    plain = Job(program="def f(x): return x", calls=("7",))
    outcomes = sandbox.run([plain, with_toy, without, plain])
    assert [[call.value or call.error for call in outcome.calls] for outcome in outcomes] == [
        ["7"],
        ["2", "4"],
        ["ModuleNotFoundError"],
        ["7"],
    ]


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS)
def test_a_hostile_program_with_packages_is_contained(sandbox: CodeSandbox, host: Host, body: str) -> None:
    before = host.state()
    job = Job(program=program(body), calls=(host.describe(),), packages=("toy-distribution",), limits=Limits(wall_s=2))
    honest = Job(program="import toy_module\ndef f(x): return toy_module.double(x)", calls=("4",), packages=job.packages)
    outcome, after = sandbox.run([job, honest])
    own_namespace = sandbox.name == "docker" and "os.kill" in body  # in which other processes have these ids
    assert outcome.calls[0].error in ERRORS or own_namespace
    assert after.calls[0].value == "8"
    assert (host.state(), host.visitors(), host.victim.poll(), sandbox.stats().lost) == (before, [], None, 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_package_that_does_not_import_is_nobodys_wrong_answer(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, f"broken-{backend}", {"toy_broken": "print('x' * 100_000)\nraise OSError('no such chip')"})
    opened = open_one(backend)
    try:
        with pytest.raises(
            SandboxUnavailable, match=rf"broken-{backend}: OSError: no such chip.*pip install --force-reinstall"
        ):
            opened.run([Job(program="def f(): return 1", calls=("",), packages=(f"broken-{backend}",))])
        assert opened.run([Job(program="def f(): return 1", calls=("",))])[0].status is Status.OK
    finally:
        opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_scorers_of_others_work(backend: str) -> None:
    if not (importlib.util.find_spec("math_verify") and importlib.util.find_spec("reasoning_gym")):
        pytest.skip("math-verify and reasoning-gym are not installed")
    # Docker without the second: an image of its five thousand files takes half a minute to build
    packages = ("math-verify", "reasoning-gym") if backend == "process" else ("math-verify",)
    limits = Limits(cpu_s=10, wall_s=40, idle_s=5)
    opened = open_one(backend, packages=packages)
    calls = {
        r"'$\\frac{1}{2}$', '0.5'": "True",
        r"'$\\frac{1}{2}$', '0.25'": "False",
        r"'$\\{1,2\\}$', 'so \\boxed{\\{2,1\\}}'": "True",
    }
    scores = {"'game_of_life', None": "1.0", "'basic_arithmetic', None": "1.0", "'basic_arithmetic', 'no number'": "0.0"}
    try:
        math = Job(program=SCORES, calls=tuple(calls), entry_point="math", packages=packages, limits=limits)
        gym = Job(program=SCORES, calls=tuple(scores), entry_point="gym", packages=packages, limits=limits)
        jobs = [math, gym] if backend == "process" else [math]
        found = [[call.value or f"{call.status}: {call.error}" for call in outcome.calls] for outcome in opened.run(jobs)]
        assert found == [list(calls.values()), list(scores.values())][: len(jobs)]
    finally:
        opened.close()
