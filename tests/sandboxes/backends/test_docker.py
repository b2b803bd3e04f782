"""The Docker backend: containers that are killed, closed, or left behind by the dead."""

from __future__ import annotations

import os
import threading

import pytest

from sandboxes import Job, Limits
from sandboxes.pool.sandbox import PooledSandbox

ADD = "def f(a, b=1):\n    return a + b"


@pytest.mark.docker
def test_jobs_of_a_killed_container_run_again(docker_engine: None) -> None:
    from sandboxes.backends import docker as docker_backend
    from sandboxes.backends import docker_engine

    client = docker_engine.connect()
    sandbox = PooledSandbox(docker_backend.DockerLauncher(), 1)
    try:

        def running() -> set[str]:
            label = f"{docker_engine.OWNER_LABEL}={docker_engine.owner(os.getpid())}"  # others may use the engine too
            return {one.id for one in client.containers.list(filters={"label": label}, ignore_removed=True)}

        before = running()
        sandbox.run([Job(program=ADD, calls=("1",))])
        [mine] = running() - before
        killer = threading.Timer(0.2, lambda: client.api.kill(mine))
        killer.start()
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.6)\n    return x", calls=("1",), limits=Limits(idle_s=4))
        outcomes = sandbox.run([slow, Job(program=ADD, calls=("1",))])
        killer.join()
        assert [outcome.calls[0].value for outcome in outcomes] == ["1", "2"]
    finally:
        sandbox.close()
        client.close()


@pytest.mark.docker
def test_close_leaves_no_container_and_the_dead_are_swept(docker_engine: None) -> None:
    from sandboxes.backends import docker as docker_backend
    from sandboxes.backends import docker_engine

    client = docker_engine.connect()
    try:
        label = docker_engine.OWNER_LABEL

        def owners() -> list[str]:
            containers = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
            return [container.labels[label] for container in containers]

        launcher = docker_backend.DockerLauncher()
        sandbox = PooledSandbox(launcher, 1)
        count = owners().count(docker_engine.owner(os.getpid()))
        sandbox.run([Job(program=ADD, calls=("1",))])
        assert owners().count(docker_engine.owner(os.getpid())) == count + 1
        dead = f"{docker_engine._namespace()} {os.getpid()} 1"
        client.containers.create(image=launcher._image, command="python", labels={label: dead}, network_mode="none")
        docker_backend.DockerLauncher().close()
        assert dead not in owners()
        sandbox.close()
        assert owners().count(docker_engine.owner(os.getpid())) == count
    finally:
        client.close()
