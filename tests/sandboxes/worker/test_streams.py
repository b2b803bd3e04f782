"""A worker that talks over its standard input and output, as in a container of an engine on another machine."""

from __future__ import annotations

import subprocess
from typing import IO

from sandboxes import CallOutcome, Job, Status
from sandboxes.backends.worker_command import base_interpreter, worker_command, worker_environment
from sandboxes.pool.frames import Frame, Reply
from sandboxes.pool.outcomes import settle
from sandboxes.protocol.wire import HELLO_FRAME, REPLY, Stop, records
from tests.helpers.waiting import PATIENCE_S


def _take_reply(stream: IO[bytes]) -> tuple[int, Reply]:
    number, length, status, stop, cpu_us, peak_kib = REPLY.unpack(stream.read(REPLY.size))
    return number, Reply(status, Stop(stop), cpu_us / 1e6, peak_kib / 1024, stream.read(length))


def test_standard_streams_carry_frames_of_any_size() -> None:
    command = worker_command(base_interpreter(), "stdio", "around=nothing", "unsafe=yes")
    with subprocess.Popen(command, env=worker_environment(0), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        number, hello = _take_reply(process.stdout)
        assert number == HELLO_FRAME
        assert [text.split()[0] for _, text in records(hello.payload)] == ["limits"]
        program = "import sys\ndef f(x):\n    print('noise', flush=True)\n    return sys.stdin.read() + x * 5"
        results: list[CallOutcome | None] = [None]
        frame = Frame(Job(program=program, calls=("'" + "ab" * 5_000 + "'",)), [0], results)
        for count in (1, 2):
            process.stdin.write(frame.encode(count))
            process.stdin.flush()
            number, reply = _take_reply(process.stdout)
            assert (number, settle(frame, reply)) == (count, None)
            assert results == [CallOutcome(status=Status.OK, value=repr("ab" * 25_000))]
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(PATIENCE_S) == 0
