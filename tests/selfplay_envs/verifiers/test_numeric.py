"""Numbers as they are written, and compared: by hand."""

import time
from fractions import Fraction

import pytest

from selfplay_envs.verifiers.numeric import check_numeric, read_number, within

HALF = Fraction(1, 2)
READ = {
    "5": 5,
    "-5.": -5,
    "+5": 5,
    "\u22125": -5,
    "007": 7,
    "27.0": 27,
    ".5": HALF,
    "1,234": 1234,
    "1,234,567.5": Fraction(2469135, 2),
    "1{,}234": 1234,
    r"1\,234": 1234,
    "$5": 5,
    r"-\$5": -5,
    "$-5": -5,
    "\u20ac5": 5,
    "$5$": 5,
    r"\(5\)": 5,
    r"\boxed{5}": 5,
    r"\text{5}": 5,
    "1/2": HALF,
    "-1/2": -HALF,
    "2 1/2": Fraction(5, 2),
    "-1./3": Fraction(-1, 3),
    r"\frac{1}{2}": HALF,
    r"-\dfrac{1}{2}": -HALF,
    r"\frac{-1}{2}": -HALF,
    r"\frac12": HALF,
    r"1\frac{1}{2}": Fraction(3, 2),
    "4.5e3": 4500,
    "4.5E-1": Fraction(9, 20),
    r"4.5 \times 10^{3}": 4500,
    "4.5 x 10^3": 4500,
    "5 %": 5,
    r"5\%": 5,
    "1e1000": 10**1000,
    "1e1001": None,
    "1e999999999": None,
    "1e99999999999999999999": None,
    "1" * 1_000_000: None,
    "1/0": None,
    "inf": None,
    "-Infinity": None,
    "nan": None,
    "1_000": None,
    "0x10": None,
    "\u0665": None,
    "3,14": None,
    "1 234": None,
    "5 6": None,
    "1+1": None,
    "x=5": None,
    "5 cm": None,
    "": None,
    "-": None,
    "$": None,
}


@pytest.mark.parametrize(("text", "value"), READ.items(), ids=lambda item: str(item)[:20])
def test_how_numbers_are_read(text, value):
    began = time.process_time()
    assert read_number(text) == value
    assert time.process_time() - began < 0.5


def test_percent_is_a_unit_or_a_hundredth():
    assert read_number("50%") == 50
    assert read_number("50%", percent=True) == HALF
    assert read_number("0.5", percent=True) == HALF


def test_tolerances_are_what_they_are_written_as():
    """0.3 in binary is less than three tenths, which would make `1.3` too far from `1`."""
    assert within(Fraction("1.3"), Fraction(1), abs_tol=0.3)
    assert not within(Fraction("1.3001"), Fraction(1), abs_tol=0.3)
    assert within(Fraction(98), Fraction(100), rel_tol=0.02)
    assert not within(Fraction(98), Fraction(-100), rel_tol=0.02)
    assert within(Fraction(-101), Fraction(-100), rel_tol=0.01)
    assert not within(Fraction(1), Fraction(2))


@pytest.mark.parametrize(
    ("gold", "answer", "finding"),
    [
        ("1,000", "$1000.00", "right"),
        ("0.5", r"\frac{1}{2}", "right"),
        ("10000000", "10000001", "wrong"),
        ("5", "nan", "wrong"),
        ("5", "five", "wrong"),
        ("five", "five", "gold_unreadable"),
    ],
)
def test_findings(gold, answer, finding):
    with pytest.raises(StopIteration) as stop:
        next(check_numeric(gold, answer))
    assert stop.value.value == finding
