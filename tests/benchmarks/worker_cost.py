"""What a job costs in CPU time, beside a bare fork and exit of an equally warm process, measured in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from sandboxes import Job
from sandboxes.backends.process import ProcessLauncher
from sandboxes.backends.worker_command import base_interpreter, worker_environment, worker_source
from sandboxes.pool.sandbox import PooledSandbox

# Instead of serving, the same program with the same memory forks children that do nothing.
_BARE = """
import os, sys
sys.modules["sandboxes.worker.warm_up"].warm_up()
for line in sys.stdin:
    before = os.times()
    for _ in range(int(line)):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    after = os.times()
    print(sum(after[:4]) - sum(before[:4]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class CpuCost:
    """Medians over the rounds, in milliseconds of CPU time of the sandbox's processes per job."""

    fork_ms: float
    trivial_ms: float
    """A job of one call that returns its argument."""
    ten_calls_ms: float
    """A job of ten such calls."""

    @property
    def ratio(self) -> float:
        """How many bare forks a trivial job costs."""
        return self.trivial_ms / self.fork_ms

    def to_json(self) -> dict[str, float]:
        """All of it, as plain types."""
        return {**asdict(self), "ratio": self.ratio}

    def sentence(self) -> str:
        """All of it, in words."""
        return (
            f"CPU per job in the process backend: {self.trivial_ms:.2f} ms with one trivial call, {self.ten_calls_ms:.2f} ms "
            f"with ten; a bare fork and exit of an equally warm process: {self.fork_ms:.2f} ms (ratio {self.ratio:.2f})."
        )


def measure_cost(rounds: int = 15, jobs: int = 200) -> CpuCost:
    """Measures the three in turns."""
    program, serve, _ = worker_source().rpartition('sys.modules["sandboxes.worker.main"].main')
    assert serve
    command = [base_interpreter(), "-s", "-S", "-B", "-c", program + _BARE]
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    text = "def f(x):\n    return x"
    single, ten = Job(program=text, calls=("1",)), Job(program=text, calls=tuple(map(str, range(10))))
    found: dict[str, list[float]] = {"fork": [], "trivial": [], "ten": []}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=worker_environment(0)) as bare:
        assert bare.stdin is not None
        assert bare.stdout is not None
        sandbox.run([single] * 20)
        [worker] = sandbox.worker_processes()
        for _ in range(rounds):
            print(jobs, file=bare.stdin, flush=True)
            found["fork"].append(float(bare.stdout.readline()) / jobs)
            for name, job in (("trivial", single), ("ten", ten)):
                before = _cpu_s(worker)
                sandbox.run([job] * jobs)
                found[name].append((_cpu_s(worker) - before) / jobs)
        bare.stdin.close()
    sandbox.close()
    return CpuCost(*(1000 * statistics.median(found[name]) for name in ("fork", "trivial", "ten")))


def _cpu_s(process: int) -> float:
    """CPU seconds of a process, of its children that ended, and of the processes below it that go on."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(_cpu_s, map(int, below)))
