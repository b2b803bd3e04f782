"""Jobs: which packages they may name."""

from __future__ import annotations

from typing import Any

import pytest

from sandboxes import Job


@pytest.mark.parametrize("packages", [("math-verify", "sympy"), ("Reasoning_Gym",), ("a",), ()])
def test_names_of_packages(packages: tuple[str, ...]) -> None:
    assert Job(program="", calls=(), packages=packages).packages == packages


@pytest.mark.parametrize(
    "packages", ["sympy", ["sympy"], ("",), ("sympy>=1",), ("../x",), ("a b",), ("-x",), ("a,b=c",), ("a+b",), (3,), ("x\n",)]
)
def test_what_is_no_name_of_a_package_is_refused_in_one_sentence(packages: Any) -> None:
    with pytest.raises(ValueError, match=r"Job.packages=.* write packages=\('math-verify',\)"):
        Job(program="", calls=(), packages=packages)
