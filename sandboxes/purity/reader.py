"""Findings about a program, made by applying the rules to each of its nodes; see `proof` for the idea."""

from __future__ import annotations

from dataclasses import dataclass

from .bindings import Unproved
from .evidence import Evidence
from .node_rules import RULES
from .set_order import SetOrder, set_order


@dataclass(frozen=True, slots=True)
class Findings:
    """Properties of an admitted program, whatever its arguments are."""

    keeps_nothing: bool
    """Whether no function leaves anything for its next call in the same globals."""
    module_names: frozenset[str]
    """Names of the module level that may hold what does: no function reads them, but one of them could be the entry point."""
    order: SetOrder
    floats: bool
    """Whether it can make floats of whole numbers and text."""


def read_program(program: str) -> Findings:
    """Applies the rules to every node of a program.

    Raises:
        Unproved: One of them is not on the allow-list.
    """
    evidence = Evidence(program)
    for node in evidence.nodes:
        rule = RULES.get(type(node))
        if rule is None:
            raise Unproved(type(node).__name__)
        rule(evidence, node)
    order = set_order(evidence.nodes, evidence.parent, evidence.bound, evidence.contexts)
    if order is SetOrder.SHOWN:
        raise Unproved("the order of a set could show")
    if evidence.addressed and (evidence.showing or order is not SetOrder.NO_SETS):
        raise Unproved("an address could show")
    if evidence.python_library and evidence.bindings.functions_call_functions():
        raise Unproved("how far the stack reaches could show")
    module_names = evidence.bindings.module_names()
    keeps_nothing = evidence.changes_nothing and not module_names & evidence.bindings.read_in_functions()
    return Findings(keeps_nothing, frozenset(module_names), order, evidence.floats)
