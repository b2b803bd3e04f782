"""The Docker backend: one locked-down container per worker, kept for the life of the sandbox.

Contained, on top of what `worker.py` contains: the network (none), files (a read-only image of Python and nothing of the
host's), processes (two: the worker and one child), all capabilities, gaining privileges, shared memory, signals to
anything outside. Not contained: the kernel itself, and side channels such as timing; an engine can be given another runtime
for that.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from .errors import SandboxUnavailable
from .image import ensure_image, find_image
from .launch import base_interpreter, worker_command
from .link import Started
from .replies import MAX_MEMORY_MIB

_OWNER_LABEL = "selfplay.sandbox.owner"
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_PING_S = 0.8
_REQUEST_S = 60
_CONNECT_S = 30.0
_WORKER_MIB = 128
_NOBODY = "65534:65534"


def docker_available() -> str | None:
    """None when a Docker engine of this machine answers, else the reason in one sentence. Takes under a second."""
    if importlib.util.find_spec("docker") is None:
        return "The docker package is not installed; type `pip install docker`."
    host = os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
    if not host.startswith("unix://"):
        return f"DOCKER_HOST={host} is not an engine of this machine; unset it, or set it to unix:///path/to/docker.sock."
    path = host.removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PING_S)
            connection.connect(path)
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = connection.recv(64)
    except FileNotFoundError:
        return f"No Docker engine at {path}; install docker.io and start dockerd, or set DOCKER_HOST."
    except PermissionError:
        return f"No permission to use the Docker engine at {path}; add yourself to the docker group."
    except OSError as error:
        return f"The Docker engine at {path} does not answer ({error}); start dockerd."
    if b" 200 " not in answer:
        return f"What answers at {path} is not a healthy Docker engine; restart dockerd."
    return None


def image_present() -> bool:
    """Whether the engine already has the image of this interpreter.

    Raises:
        SandboxUnavailable: No engine answers, or it refuses to say.
    """
    client = _connect()
    try:
        return find_image(client) is not None
    except importlib.import_module("docker.errors").DockerException as error:
        raise SandboxUnavailable(f"The Docker engine refuses to list its images: {error}") from error
    finally:
        client.close()


class DockerLauncher:
    """Starts workers as containers of one image."""

    name = "docker"

    def __init__(self) -> None:
        """Finds the engine, and removes containers whose owner has died.

        Raises:
            SandboxUnavailable: No engine answers.
        """
        self._client = _connect()
        self._image: str | None = None
        _sweep(self._client)

    def start(self, hash_seed: int) -> Started:
        """Starts one container and takes the one connection that its socket will ever accept; see `Launcher`."""
        errors = importlib.import_module("docker.errors")
        folder = tempfile.mkdtemp(prefix="selfplay-")
        path = os.path.join(folder, "socket")
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                os.chmod(path, 0o777)  # the container's user is nobody; the folder around it stays closed to others
                listener.listen(1)
                try:
                    self._image = self._image or ensure_image(self._client)
                    container = self._client.containers.create(**self._settings(path, hash_seed))
                    container.start()
                except errors.DockerException as error:
                    raise SandboxUnavailable(f"Docker refused to start a sandbox container: {error}") from error
                connection = _accept(listener, container, errors)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Started(connection, lambda: _remove(container, errors))

    def close(self) -> None:
        """Lets go of the engine."""
        self._client.close()

    def _settings(self, socket_path: str, hash_seed: int) -> dict[str, Any]:
        """Every flag of a container. There is no writable place, not even /tmp: names of files would outlive a job."""
        types = importlib.import_module("docker.types")
        environment = {"PYTHONHASHSEED": str(hash_seed)}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        memory = f"{MAX_MEMORY_MIB + _WORKER_MIB}m"
        settings: dict[str, Any] = {
            "image": self._image,
            "command": worker_command(base_interpreter(), "socket=/socket"),
            "environment": environment,
            "user": _NOBODY,
            "network_mode": "none",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": 2,
            "mem_limit": memory,
            "memswap_limit": memory,
            "ipc_mode": "none",
            "log_config": types.LogConfig(type="none"),
            "volumes": {socket_path: {"bind": "/socket", "mode": "rw"}},
            "labels": {_OWNER_LABEL: _owner(os.getpid())},
            "auto_remove": True,
            "working_dir": "/",
        }
        if self._client.info().get("CpuCfsQuota"):
            settings["nano_cpus"] = 1_000_000_000
        return settings


def _connect() -> Any:
    """A client of the engine that `docker_available` found."""
    reason = docker_available()
    if reason is not None:
        raise SandboxUnavailable(reason)
    docker = importlib.import_module("docker")
    try:
        return docker.DockerClient(base_url=os.environ.get("DOCKER_HOST") or _DEFAULT_HOST, timeout=_REQUEST_S)
    except docker.errors.DockerException as error:
        raise SandboxUnavailable(f"The Docker engine refuses this client: {error}; update docker and its package.") from error


def _accept(listener: socket.socket, container: Any, errors: Any) -> socket.socket:
    """The worker's connection.

    Raises:
        SandboxUnavailable: The container ended, or stayed silent.
    """
    give_up_at = time.monotonic() + _CONNECT_S
    listener.settimeout(0.5)
    while time.monotonic() < give_up_at:
        with contextlib.suppress(TimeoutError):
            return listener.accept()[0]
        try:
            container.reload()
        except errors.DockerException:
            break
        if container.status not in ("created", "running"):
            break
    _remove(container, errors)
    raise SandboxUnavailable(
        "A sandbox container started but did not connect; the Docker engine must run on this machine and see its "
        "temporary folder. Set TMPDIR to a folder that it sees, or choose sandbox='process'."
    )


def _remove(container: Any, errors: Any) -> str:
    """Ends a container and waits until it is gone."""
    for _ in range(100):
        try:
            container.remove(force=True)
        except errors.NotFound:
            return ""
        except errors.APIError:  # it is being removed already
            time.sleep(0.05)
    return "the container does not go away"


def _owner(pid: int) -> str:
    """Names a process for good: its namespace, its id, and when it started, so that a reused id is not mistaken."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{os.readlink('/proc/self/ns/pid')} {pid} {started}"


def _sweep(client: Any) -> None:
    """Removes containers of this namespace whose owner is dead. Those of other namespaces cannot be judged from here."""
    errors = importlib.import_module("docker.errors")
    with contextlib.suppress(errors.DockerException):
        for container in client.containers.list(all=True, filters={"label": _OWNER_LABEL}, ignore_removed=True):
            owner = str(container.labels.get(_OWNER_LABEL, ""))
            namespace, _, rest = owner.partition(" ")
            pid = rest.partition(" ")[0]
            if namespace == os.readlink("/proc/self/ns/pid") and pid.isdigit() and _owner(int(pid)) != owner:
                _remove(container, errors)
