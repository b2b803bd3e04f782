"""Replies on disk by key: a file that only grows, so that a kill at any moment loses at most the write in flight."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from pathlib import Path

from selfplay_envs import Reply

from ..core.errors import AgentError


class ReplyStore:
    """A file of JSON lines `{"key", "text", "finish_reason"}`, which one process at a time may open.

    Memory holds a key and a place per reply, about 200 bytes; texts are read when they are asked for. A last line without its
    newline, as a killed writer leaves it, is cut off.

    Args:
        path: The file; made where there is none, with its folder.

    Raises:
        AgentError: Another process has it open, a line in it is no reply, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise AgentError(
                f"out={str(path.parent)!r} cannot be written ({error.strerror}); choose another folder."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._places = self._read_places()
        except BlockingIOError as error:
            self._file.close()
            raise AgentError(
                f"{path} is in use by another process; wait for it, stop it, or choose another folder with --out."
            ) from error
        except BaseException:
            self._file.close()
            raise
        self._texts = path.open("rb")

    def __len__(self) -> int:
        """Number of replies."""
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        """Whether there is a reply of that key."""
        return bytes.fromhex(key) in self._places

    def __getitem__(self, key: str) -> Reply:
        """The reply of a key, without tokens.

        Raises:
            KeyError: There is none.
        """
        self._texts.seek(self._places[bytes.fromhex(key)])
        row = json.loads(self._texts.readline())
        return Reply(text=row["text"], finish_reason=row["finish_reason"])

    def add(self, replies: Sequence[tuple[str, Reply]]) -> None:
        """Writes replies at once, each under its key.

        Raises:
            OSError: The disk is full; what was written in part is cut off when the file is opened again.
        """
        rows = [{"key": key, "text": reply.text, "finish_reason": reply.finish_reason} for key, reply in replies]
        lines = [(json.dumps(row) + "\n").encode() for row in rows]
        place, data = self._file.seek(0, 2), memoryview(b"".join(lines))
        while data:
            data = data[self._file.write(data) :]
        for (key, _), line in zip(replies, lines, strict=True):
            self._places[bytes.fromhex(key)] = place
            place += len(line)

    def close(self) -> None:
        """Gives the file free; safe to call twice."""
        self._texts.close()
        self._file.close()

    def _read_places(self) -> dict[bytes, int]:
        """Where each reply's line begins."""
        places: dict[bytes, int] = {}
        place = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    self._file.truncate(place)
                    break
                try:
                    row = json.loads(line)
                    Reply(text=row["text"], finish_reason=row["finish_reason"])
                    places[bytes.fromhex(row["key"])] = place
                except (ValueError, KeyError, TypeError) as error:
                    raise AgentError(f"{self.path}:{number} is no stored reply ({error}); delete that line.") from error
                place += len(line)
        return places
