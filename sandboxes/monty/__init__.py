"""The fast engine: pydantic-monty, a Python interpreter in Rust, asked first; what it does not answer goes to CPython.

An error of the engine is never a verdict. A call is answered by it only when

- the program is inside the gate (`gate`, `flow`): a part of Python in which the engine was compared with CPython,
- the arguments are plain (`engine`),
- no guard was touched while it ran (`guard`), and
- a plain value came back within the limits.

Every other call of the job goes to the inner sandbox, whose verdict stands. Importing this does not import pydantic-monty.
"""

from .gate import monty_accepts
from .sandbox import MontySandbox

__all__ = ["MontySandbox", "monty_accepts"]
