"""Which programs the fast engine may answer: plain data and first-order functions.

Inside the gate are whole numbers, floats, Latin text, lists, tuples, dicts, ranges, and sets where their order cannot show.
Functions are called or handed to `map`, `filter` and `key=`, never stored. Values that cannot be seen in the source are
checked while the program runs (`guard`); whether the order of effects could show is checked in `effects`.

Nothing in it depends on hash order, identity, time or an earlier call, so one run says what two runs under two hash seeds
would say: the module level holds only functions and immutable constants, and defaults are constants too.
"""

from __future__ import annotations

from .effects import check_effects
from .node_rules import NodeRules
from .program import Program, Refused, read_program


def monty_accepts(program: str, entry_point: str) -> bool:
    """Whether the fast engine may answer for this program at all; arguments are checked call by call."""
    try:
        admit(program, entry_point)
    except Refused:
        return False
    return True


def admit(text: str, entry_point: str) -> Program:
    """The program that a text spells, if it is inside the gate.

    Raises:
        Refused: It is not, or does not compile; the message is the reason.
    """
    try:
        program = read_program(text)
        NodeRules(program).check(entry_point)
        check_effects(program)
    except RecursionError:
        raise Refused("deeply nested") from None
    return program
