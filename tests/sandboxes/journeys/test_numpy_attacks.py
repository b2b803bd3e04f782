"""Programs that may import numpy, and abuse it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandboxes import Job, Limits
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.registry import make_launcher

NUMPY = {
    "a float of its own": ("return np.float64(1.5)", "not_serialisable: type float64"),
    "a text of its own": ("return np.str_('x')", "not_serialisable: type str_"),
    "a key of its own": ("return {np.int64(1): 2}", "not_serialisable: type int64"),
    "objects in an array": (
        "class E:\n        __eq__ = lambda s, o: True\n    a = np.empty(1, object); a[0] = E(); return a.tolist()",
        "not_serialisable: type E",
    ),
    "an array": ("return np.arange(3)", "not_serialisable: type ndarray"),
    "a pickle": (
        (
            "import io, os\n    class A:\n        __reduce__ = lambda s: (os.system, ('exit 3',))\n    b = io.BytesIO()\n"
            "    np.save(b, np.array([A()], object)); b.seek(0); return np.load(b, allow_pickle=True)[0]"
        ),
        "32512",  # what `system` says where no shell could be started; 768 if one had been
    ),
    "beyond the end": (
        "return int(np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 40,)).sum())",
        "exception: killed: SIGSEGV",
    ),
    "too much": ("return int(np.ones(10**10).sum())", "memory: MemoryError"),
    "a hang in BLAS": ("a = np.ones((900, 900))\n    while True: a = a @ a", "timeout: over its CPU or wall limit"),
    "spoilt print": ("np.set_printoptions(precision=1); np.ndarray.sum if 0 else np.seterr(all='raise'); return 1", "1"),
}


@pytest.fixture(scope="module")
def numerical() -> Iterator[PooledSandbox]:
    """Programs may import numpy."""
    sandbox = PooledSandbox(make_launcher("process:with=numpy"), 1)
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize(("body", "expected"), NUMPY.values(), ids=NUMPY)
def test_numpy(numerical: PooledSandbox, body: str, expected: str) -> None:
    job = Job(program=f"import numpy as np\ndef f():\n    {body}", calls=("",), limits=Limits(cpu_s=0.5, wall_s=2))
    honest = Job(program="import numpy as np\ndef f():\n    return str(np.array([1.23456]) / 3)", calls=("",))
    outcome, after = numerical.run([job, honest])
    [call] = outcome.calls
    assert (call.value or f"{call.status}: {call.error}") == expected
    assert after.calls[0].value == "'[0.41152]'"
    assert numerical.stats().lost == 0
