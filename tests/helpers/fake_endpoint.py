"""A chat completions server on this machine, for tests: answers as it is told and notes what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes, dict[str, str]]
"""State, body, headers."""


def chat(content: Any = "fine", reason: Any = "stop", **more: Any) -> Answer:
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": reason}
    return 200, json.dumps({"choices": [choice], **more}).encode(), {}


def refusal(state: int, message: str = "no", **headers: str) -> Answer:
    return state, json.dumps({"error": {"message": message}}).encode(), headers


class FakeEndpoint:
    def __init__(self, answer: Callable[[int, dict[str, Any]], Answer]) -> None:
        self.answer = answer
        """Makes an answer of (number of the request, its body)."""
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.url = ""


@contextmanager
def serving(answer: Callable[[int, dict[str, Any]], Answer]) -> Generator[FakeEndpoint]:
    fake = FakeEndpoint(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with fake.lock:
                number = len(fake.asked)
                fake.asked.append(body)
                fake.paths.append(self.path)
                fake.keys.append(self.headers.get("Authorization"))
                fake.in_flight += 1
                fake.most_in_flight = max(fake.most_in_flight, fake.in_flight)
            try:
                state, data, headers = fake.answer(number, body)
            finally:  # before the client reads its answer and may send the next request
                with fake.lock:
                    fake.in_flight -= 1
            try:
                self.send_response(state)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(data)
            except ConnectionError:  # the client had enough
                pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
