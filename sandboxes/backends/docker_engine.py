"""The Docker engine: whether one answers, a client of it, and the containers that dead owners left behind."""

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

from ..core.errors import SandboxUnavailable
from .docker_image import find_image
from .packages import Packages

_FOLDER, _OWNER_FILE = "selfplay-", "owner"
OWNER_LABEL = "selfplay.sandbox.owner"
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_PING_S = 0.8
_PATIENT_PING_S = 20.0  # where Docker was asked for: a busy engine is there all the same
_REMOTE_PING_S = 5
_REQUEST_S = 60


def docker_host() -> str:
    """The address of the engine: DOCKER_HOST, or the usual socket of this machine."""
    return os.environ.get("DOCKER_HOST") or _DEFAULT_HOST


def is_local() -> bool:
    """Whether containers can reach a socket in a folder of this machine."""
    return docker_host().startswith("unix://")


def docker_available(timeout_s: float = _PING_S) -> str | None:
    """None when a Docker engine answers, else the reason in one sentence.

    Args:
        timeout_s: Seconds that an engine of this machine may take; by default less than one.
    """
    if importlib.util.find_spec("docker") is None:
        return "The docker package is not installed; type `pip install docker`."
    if not is_local():
        try:
            _client(_REMOTE_PING_S).close()
        except Exception as raised:  # whatever TLS, SSH and HTTP raise
            error: BaseException = raised
            while error.__context__ is not None:
                error = error.__context__  # the first of them says it shortest
            return f"No Docker engine answers at DOCKER_HOST={docker_host()} ({error}); start it, or unset DOCKER_HOST."
        return None
    path = docker_host().removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
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


def connect() -> Any:
    """A client of the engine.

    Raises:
        SandboxUnavailable: None answers.
    """
    reason = docker_available(_PATIENT_PING_S)
    if reason is not None:
        raise SandboxUnavailable(reason)
    try:
        return _client(_REQUEST_S)
    except importlib.import_module("docker.errors").DockerException as error:
        raise SandboxUnavailable(f"The Docker engine refuses this client: {error}; update docker and its package.") from error


def _client(timeout_s: float) -> Any:
    """A client that has shaken hands; TLS files come from DOCKER_CERT_PATH, as for the docker program."""
    docker = importlib.import_module("docker")
    environment = {**os.environ, "DOCKER_HOST": docker_host()}
    return docker.DockerClient.from_env(timeout=timeout_s, environment=environment, version="auto")


def image_present(packages: Packages | None = None) -> bool:
    """Whether the engine already has the image of this interpreter.

    Raises:
        SandboxUnavailable: No engine answers, or it refuses to say.
    """
    client = connect()
    try:
        return find_image(client, packages) is not None
    except importlib.import_module("docker.errors").DockerException as error:
        raise SandboxUnavailable(f"The Docker engine refuses to list its images: {error}") from error
    finally:
        client.close()


def owner(pid: int) -> str:
    """Names a process for good: its machine's boot, its namespace, its id, and when it started; empty if there is none."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{_namespace()} {pid} {started}"


def _namespace() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}"


def socket_folder() -> str:
    """A new folder for one socket, which nobody else may enter and which `sweep` removes should this process be killed."""
    folder = tempfile.mkdtemp(prefix=_FOLDER)  # a short name: the path of a socket may hold some hundred bytes
    Path(folder, _OWNER_FILE).write_text(owner(os.getpid()), encoding="ascii")
    return folder


def sweep(client: Any) -> None:
    """Removes containers and socket folders of dead processes of this namespace. Others cannot be judged from here."""
    for file in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*/{_OWNER_FILE}"):
        with contextlib.suppress(OSError):  # another sweep may be faster
            if _is_dead(file.read_text(encoding="ascii", errors="replace")):
                shutil.rmtree(file.parent, ignore_errors=True)
    errors = importlib.import_module("docker.errors")
    with contextlib.suppress(errors.DockerException):
        for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
            if _is_dead(str(container.labels.get(OWNER_LABEL, ""))):
                remove(container)


def _is_dead(name: str) -> bool:
    """True of the `owner` text of a process of this namespace that has ended."""
    namespace, _, rest = name.partition(" ")
    pid = rest.partition(" ")[0]
    return namespace == _namespace() and pid.isdigit() and owner(int(pid)) != name


def remove(container: Any) -> str:
    """Ends a container and waits until it is gone; returns what went wrong, or nothing."""
    errors = importlib.import_module("docker.errors")
    for _ in range(100):
        try:
            container.remove(force=True)
        except errors.NotFound:
            return ""
        except errors.APIError:  # it is being removed already
            time.sleep(0.05)
        except Exception as error:  # the engine itself is gone, and its containers with it
            return f"the container could not be removed: {error}"
    return "the container does not go away"
