"""The Docker backend: one locked-down container per worker, kept until it is recycled.

Contained, on top of what `worker.main` contains: the network (none), files (a read-only image of Python and nothing of the
host's), processes (two: the worker and one child), all capabilities, gaining privileges, shared memory, signals to
anything outside. Not contained: the kernel itself, for which an engine can be given another runtime (gVisor's `runsc`), and
side channels such as timing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any

from ..core.caps import MAX_MEMORY_MIB
from ..core.errors import SandboxUnavailable
from ..core.launcher import Started
from .docker_engine import OWNER_LABEL, connect, is_local, owner, remove, socket_folder, sweep
from .docker_image import INTERPRETER_LABEL, PACKAGES_FOLDER, ensure_image
from .docker_streams import attach
from .packages import find_packages
from .worker_command import base_interpreter, package_options, worker_command, worker_environment

_CONNECT_S = 30.0
_WORKER_MIB = 128
_NOBODY = "65534:65534"


class DockerLauncher:
    """Starts workers as containers of one image.

    Args:
        packages: Distributions of this environment that programs may import besides the standard library.
        runtime: The engine's container runtime, such as `runsc`; empty: its default.
        image: A published image with a `python3` of version 3.11 or newer, pulled where it is missing; empty: an image of
            the running interpreter, built here.

    Raises:
        SandboxUnavailable: No engine answers, or a package is not installed.
    """

    name = "docker"

    def __init__(self, packages: Sequence[str] = (), runtime: str = "", image: str = "") -> None:
        self._packages = find_packages(packages) if packages else None
        self._runtime = runtime
        self._published = image
        self._client = connect()
        self._interpreter = base_interpreter()
        self._image: str | None = None
        self._limits_cpu = bool(self._client.info().get("CpuCfsQuota"))
        self._lock = threading.Lock()
        sweep(self._client)

    def start(self, hash_seed: int) -> Started:
        """Starts one container and takes the one connection that it will ever serve; see `Launcher`."""
        errors = importlib.import_module("docker.errors")
        try:
            with self._lock:  # workers start side by side, the image is made once
                self._image = self._image or self._find_image()
            start = self._start_local if is_local() else self._start_remote
            try:
                return start(hash_seed)
            except errors.APIError as error:
                if not error.is_server_error():
                    raise
                return start(hash_seed)  # a busy engine stumbles now and then; twice in a row is news
        except (errors.DockerException, OSError) as error:
            hint = f"; is the runtime {self._runtime!r} installed in the engine?" if self._runtime else ""
            raise SandboxUnavailable(f"Docker refused to start a sandbox container: {error}{hint}") from error

    def close(self) -> None:
        """Lets go of the engine."""
        self._client.close()

    def _find_image(self) -> str:
        """The image to run; sets the interpreter inside it."""
        if not self._published:
            return ensure_image(self._client, self._packages)
        errors = importlib.import_module("docker.errors")
        try:
            image = self._client.images.get(self._published)
        except errors.ImageNotFound:
            try:
                image = self._client.images.pull(self._published)
            except errors.APIError as error:
                raise SandboxUnavailable(
                    f"sandbox image={self._published!r} cannot be pulled ({error.explanation}); check the name."
                ) from error
        self._interpreter = image.labels.get(INTERPRETER_LABEL, "python3")
        return str(image.id)

    def _start_local(self, hash_seed: int) -> Started:
        """Over a socket file, the fastest way: accepted once, and unlinked before any job runs."""
        folder = socket_folder()
        path = os.path.join(folder, "socket")
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                os.chmod(path, 0o777)  # the container's user is nobody; the folder around it stays closed to others
                listener.listen(1)
                container = self._create("socket=/socket", hash_seed, volumes={path: {"bind": "/socket", "mode": "rw"}})
                with _removed_on_error(container):
                    container.start()
                    connection = _accept(listener, container)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Started(connection, lambda: remove(container))

    def _start_remote(self, hash_seed: int) -> Started:
        """Over the container's standard streams; they close with this process, and that ends the container."""
        container = self._create("stdio", hash_seed, stdin_open=True)
        with _removed_on_error(container):
            connection = attach(self._client, container)
            try:
                container.start()
            except BaseException:
                connection.close()
                raise
        return Started(connection, lambda: remove(container))

    def _create(self, connection: str, hash_seed: int, **settings: Any) -> Any:
        """A container with every flag. There is no writable place, not even /tmp: names of files would outlive a job."""
        types = importlib.import_module("docker.types")
        options = package_options(PACKAGES_FOLDER, self._packages.modules) if self._packages else []
        command = worker_command(self._interpreter, connection, *options)
        memory = f"{MAX_MEMORY_MIB + _WORKER_MIB}m"
        settings |= {"runtime": self._runtime} if self._runtime else {}
        settings |= {"nano_cpus": 1_000_000_000} if self._limits_cpu else {}
        return self._client.containers.create(
            image=self._image,
            entrypoint=command[:1],
            command=command[1:],
            environment=worker_environment(hash_seed),
            user=_NOBODY,
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=2,
            mem_limit=memory,
            memswap_limit=memory,
            ipc_mode="none",
            log_config=types.LogConfig(type="none"),
            labels={OWNER_LABEL: owner(os.getpid())},
            auto_remove=True,
            working_dir="/",
            **settings,
        )


@contextlib.contextmanager
def _removed_on_error(container: Any) -> Generator[None]:
    """Takes a container away that did not become a worker: the engine removes by itself only those that ran."""
    try:
        yield
    except BaseException:
        remove(container)
        raise


def _accept(listener: socket.socket, container: Any) -> socket.socket:
    """The worker's connection.

    Raises:
        SandboxUnavailable: The container ended, or stayed silent.
    """
    errors = importlib.import_module("docker.errors")
    give_up_at = time.monotonic() + _CONNECT_S
    listener.settimeout(0.5)
    while time.monotonic() < give_up_at:
        try:
            return listener.accept()[0]
        except TimeoutError:
            pass
        try:
            container.reload()
        except errors.DockerException:
            break
        if container.status not in ("created", "running"):
            break
    raise SandboxUnavailable(
        "A sandbox container started but did not connect; the Docker engine must run on this machine and see its "
        "temporary folder. Set TMPDIR to a folder that it sees, or choose sandbox='process'."
    )
