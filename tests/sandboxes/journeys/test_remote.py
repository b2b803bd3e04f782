"""Engines and images from elsewhere: a Docker engine behind TCP, and an image pulled from a registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandboxes import Job, Limits, SandboxUnavailable, Status, open_sandbox
from sandboxes.backends import docker_engine as engine
from sandboxes.backends.docker_image import ensure_image
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.registry import make_launcher

pytestmark = pytest.mark.docker
ADD = "def f(a, b=1):\n    return a + b"


@pytest.fixture
def remote(docker_engine: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The engine of this machine as one that only TCP reaches; DOCKER_HOST names it."""
    if not engine.is_local():
        pytest.skip("the engine is remote already")
    path = engine.docker_host().removeprefix("unix://")
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while part := source.recv(1 << 16):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one side went away, which the other will notice

    def connect(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(path)
            back = threading.Thread(target=carry, args=(upstream, client), daemon=True)
            back.start()
            carry(client, upstream)
            back.join()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=connect, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    host = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("DOCKER_HOST", host)
    yield host
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_an_engine_behind_tcp_runs_programs_and_is_left_clean(remote: str) -> None:
    assert engine.docker_available(20.0) is None
    sandbox = PooledSandbox(make_launcher("docker"), 2)
    try:
        jobs = [Job(program=ADD, calls=(f"{i}, 'x' * 0" if i % 7 == 0 else str(i),), determinism=i % 2 == 0) for i in range(60)]
        statuses = [outcome.status for outcome in sandbox.run(jobs)]
        assert statuses == [Status.FORBIDDEN if i % 7 == 0 else Status.OK for i in range(60)]
        large = Job(program="def f(n):\n    return 'x' * n", calls=("500000",), limits=Limits(output_bytes=1 << 20))
        assert sandbox.run([large])[0].calls[0].value == repr("x" * 500_000)
        hang = Job(program="def f():\n    while True: pass", calls=("",), limits=Limits(cpu_s=0.2, wall_s=1))
        noisy = Job(
            program="import os\ndef f():\n    os.write(1, b'x' * 9)\n    print('y')\n    return os.read(0, 9)", calls=("",)
        )
        hung, quiet = sandbox.run([hang, noisy])
        assert (hung.status, quiet.calls[0].value) == (Status.TIMEOUT, "b''")
        assert sandbox.stats().lost == 0
        client = engine.connect()
        mine = {"label": f"{engine.OWNER_LABEL}={engine.owner(os.getpid())}"}
        assert len(client.containers.list(filters=mine, ignore_removed=True)) >= 2
    finally:
        sandbox.close()
    client.close()


class Registry:
    """As much of a registry as pulling one image takes (distribution protocol, version 2)."""

    def __init__(self, config: bytes, layer: bytes) -> None:
        packed = gzip.compress(layer, compresslevel=1, mtime=0)
        kinds = "application/vnd.docker."
        manifest = {
            "schemaVersion": 2,
            "mediaType": kinds + "distribution.manifest.v2+json",
            "config": {"mediaType": kinds + "container.image.v1+json", "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": kinds + "image.rootfs.diff.tar.gzip", "size": len(packed), "digest": _digest(packed)}],
        }
        body = json.dumps(manifest).encode()
        self.blobs = blobs = {_digest(config): config, _digest(packed): packed, _digest(body): body, "1": body}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self, head: bool = False) -> None:
                name = self.path.rpartition("/")[2]
                found = blobs.get(name, b"{}" if self.path == "/v2/" else None)
                self.send_response(404 if found is None else 200)
                kind = manifest["mediaType"] if "/manifests/" in self.path else "application/octet-stream"
                for key, value in (
                    ("Content-Type", str(kind)),
                    ("Content-Length", str(len(found or b""))),
                    ("Docker-Content-Digest", _digest(found or b"")),
                ):
                    self.send_header(key, value)
                self.end_headers()
                if not head:
                    self.wfile.write(found or b"")

            def do_HEAD(self) -> None:
                self.do_GET(head=True)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server.server_port}/sandbox:1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_published_image_is_pulled_and_runs(docker_engine: None, tmp_path: Path) -> None:
    client = engine.connect()
    saved = tmp_path / "saved.tar"
    with saved.open("wb") as file:
        for part in client.images.get(ensure_image(client)).save():
            file.write(part)
    with tarfile.open(saved) as archive:
        listed = json.load(_member(archive, "manifest.json"))[0]
        config, layer = _member(archive, listed["Config"]).read(), _member(archive, listed["Layers"][0]).read()
    # another configuration makes it another image, which the engine does not have yet
    published = json.loads(config)
    published["config"]["Env"] = ["PUBLISHED=1"]
    registry = Registry(json.dumps(published).encode(), layer)
    sandbox = open_sandbox(f"docker:workers=1,cache=0,image={registry.name}")
    try:
        outcomes = sandbox.run([Job(program=ADD, calls=("1",), determinism=True)])
        assert outcomes[0].calls[0].value == "2"
    finally:
        sandbox.close()
        client.images.remove(registry.name, force=True)
    missing = registry.name.replace("sandbox", "nothing")
    registry.blobs.clear()
    with pytest.raises(SandboxUnavailable, match=r"nothing:1' cannot be pulled .*check the name"):
        open_sandbox(f"docker:workers=1,cache=0,image={missing}").run([Job(program=ADD, calls=("1",))])
    registry.server.shutdown()
    registry.server.server_close()
    client.close()


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    found = archive.extractfile(name)
    assert isinstance(found, io.BufferedReader)
    return found


def test_an_unknown_runtime_is_one_clear_error_and_leaves_no_container(docker_engine: None) -> None:
    client = engine.connect()

    def mine() -> int:
        label = f"{engine.OWNER_LABEL}={engine.owner(os.getpid())}"
        return len(client.containers.list(all=True, filters={"label": label}, ignore_removed=True))

    before = mine()
    sandbox = open_sandbox("docker:workers=1,cache=0,runtime=no-such-runtime")
    try:
        with pytest.raises(SandboxUnavailable, match="'no-such-runtime' installed in the engine"):
            sandbox.run([Job(program=ADD, calls=("1",))])
        assert mine() == before
    finally:
        sandbox.close()
        client.close()


def test_an_engine_that_stumbles_once_is_asked_again(docker_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from docker.errors import APIError
    from docker.models.containers import Container
    from requests import Response

    start, stumbled = Container.start, []

    def stumble(container: Container) -> None:
        if not stumbled:
            stumbled.append(container.id)
            response = Response()
            response.status_code = 500
            raise APIError("busy", response=response)
        start(container)

    monkeypatch.setattr(Container, "start", stumble)
    sandbox = PooledSandbox(make_launcher("docker"), 1)
    try:
        assert sandbox.run([Job(program=ADD, calls=("1",))])[0].calls[0].value == "2"
        assert len(stumbled) == 1
    finally:
        sandbox.close()
