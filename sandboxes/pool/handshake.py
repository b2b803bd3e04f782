"""The handshake with a fresh worker: its hello, and a canary job that it must get right before it is trusted with a verdict."""

from __future__ import annotations

from ..core.errors import SandboxUnavailable
from ..core.types import CallOutcome, Job, Status
from ..protocol.wire import HELLO_FRAME, Tag, records
from .connection import WorkerConnection, WorkerLost
from .frames import Frame, Reply
from .outcomes import settle

_START_S = 60.0  # of which large packages take several, and more where all workers start at once on few processors
_CANARY = Job(program="import math\ndef f(x):\n    return {x: [math.sqrt(x), sorted('canary')]}", calls=("4",))
_CANARY_OUTCOME = CallOutcome(status=Status.OK, value="{4: [2.0, ['a', 'a', 'c', 'n', 'r', 'y']]}")


def shake_hands(connection: WorkerConnection, name: str) -> None:
    """Waits for the worker's hello and for its answer to the canary job; from then on the stream does not block.

    Args:
        connection: That of a worker that has just been started.
        name: The backend's, for the error message.

    Raises:
        SandboxUnavailable: The worker ends, or sends something else. It is stopped.
    """
    connection.socket.settimeout(_START_S)
    try:
        number, hello = _await_reply(connection)
        if number != HELLO_FRAME:
            raise WorkerLost("did not say hello")
        said = list(records(hello.payload))
        connection.layers = tuple(" ".join(text for tag, text in said if tag == Tag.HELLO).split())
        _check_imports([text for tag, text in said if tag == Tag.EXCEPTION], name)
        results: list[CallOutcome | None] = [None]
        frame = Frame(_CANARY, [0], results)
        connection.socket.sendall(frame.encode(0))
        _, reply = _await_reply(connection)
        settle(frame, reply)
        if results != [_CANARY_OUTCOME]:
            raise WorkerLost(f"answered the canary job with {results[0]}")
    except SandboxUnavailable:
        connection.socket.close()
        connection.started.stop()
        raise
    except (OSError, WorkerLost) as error:
        connection.socket.close()
        reason = (connection.started.stop().strip().splitlines() or [str(error)])[-1]
        raise SandboxUnavailable(
            f"A worker of the {name} sandbox did not start: {reason}; `sandboxes.describe()` tells what is missing."
        ) from error
    connection.socket.setblocking(False)


def _check_imports(failures: list[str], name: str) -> None:
    """Checks that a worker could import the packages that it was given.

    Raises:
        SandboxUnavailable: It could not.
    """
    if failures:
        raise SandboxUnavailable(
            f"A package does not import in the {name} sandbox ({'; '.join(failures)}); see whether it does outside, and "
            "reinstall it with `pip install --force-reinstall`."
        )


def _await_reply(connection: WorkerConnection) -> tuple[int, Reply]:
    while (parsed := connection.next_reply()) is None:
        part = connection.socket.recv(4096)
        if not part:
            raise WorkerLost("hung up")
        connection.incoming += part
    return parsed
