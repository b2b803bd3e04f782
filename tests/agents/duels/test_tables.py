"""Tables of win rates: whole at 80 columns, no number where there is none, and what is not known is said."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from agents.duels.tables import explain_win_rates, print_win_rates
from agents.evaluation.win_rate import Duel, win_rates


def shown(duels: list[Duel], width: int = 80) -> str:
    out = StringIO()
    console = Console(file=out, width=width)
    print_win_rates(console, "a against b", win_rates(duels))
    explain_win_rates(console)
    return out.getvalue()


def duel(number: int, subset: str = "selfinstruct") -> Duel:
    outcome = ("win", "loss", "tie")[number % 3]
    return Duel(
        instruction=str(number),
        subset=subset,
        shown_first=outcome,  # type: ignore[arg-type]
        shown_second=outcome,  # type: ignore[arg-type]
        length=10 * number,
        other_length=7 * number + number % 5,
    )


def test_at_eighty_columns_every_row_is_one_line_of_each_table() -> None:
    text = shown([duel(number, name) for number in range(90) for name in ("selfinstruct", "helpful_base")])
    assert max(map(len, text.splitlines())) <= 80
    rows = [line.split() for line in text.splitlines() if line.startswith(("all ", "selfinstruct ", "helpful_base "))]
    assert [row[0] for row in rows] == ["all", "helpful_base", "selfinstruct"] * 2
    assert rows[0][1:6] == ["180", "60", "60", "60", "0.500"]
    assert rows[2][1:6] == ["90", "30", "30", "30", "0.500"]


def test_narrow_terminals_get_it_whole_too() -> None:
    text = shown([duel(number) for number in range(9)], width=50)
    assert max(map(len, text.splitlines())) <= 50
    assert "wins only" in " ".join(text.split())


def test_what_is_not_known_is_said_and_no_number_is_made_of_it() -> None:
    unknown = Duel(instruction="a", shown_first="", shown_second="win", reasons=("cut_off",))
    text = " ".join(shown([unknown]).split())
    assert "1 of 1 requests do not count, as a judgement is not known: cut_off 1." in text
    assert "nan" not in text
    assert "Mean length" not in text
