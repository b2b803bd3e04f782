"""All sections of `tests.benchmarks.gpu`, in the order in which they run; examples/README.md says what each decides."""

from __future__ import annotations

from .decode import decode
from .device import env, sdpa
from .engine import vllm
from .full import full
from .head import head
from .own_tests import own_tests
from .parity import parity
from .running import Section
from .updates import lora, lora8b

SECTIONS = (
    Section(name="env", run=env, part=1, estimate_s=10),
    Section(name="parity", run=parity, part=1, estimate_s=45),
    Section(name="head", run=head, part=1, estimate_s=30),
    Section(name="decode", run=decode, part=1, estimate_s=60),
    Section(name="sdpa", run=sdpa, part=1, estimate_s=90),
    Section(name="tests", run=own_tests, part=1, estimate_s=120),
    Section(name="lora", run=lora, part=2, estimate_s=100),
    Section(name="full", run=full, part=2, estimate_s=70),
    Section(name="lora8b", run=lora8b, part=2, estimate_s=80),
    Section(name="vllm", run=vllm, part=2, estimate_s=150),
)
