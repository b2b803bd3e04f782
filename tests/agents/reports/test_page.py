"""Pages refuse what they could not show."""

import pytest

from agents.reports.page import Page, Section, Table
from tests.helpers.report_page import picture


def test_a_row_of_another_length_is_named() -> None:
    with pytest.raises(ValueError, match=r"\['x'\] has 1 cells; there are 2 columns"):
        Table(columns=("a", "b"), rows=[("1", "2"), ("x",)])


def test_names_are_those_of_files_and_stand_once() -> None:
    with pytest.raises(ValueError, match=r"name='../up' is no name of a picture"):
        picture("../up")
    with pytest.raises(ValueError, match="sections: 'one' is there twice"):
        Page(title="t", sections=[Section(name="one", title="a"), Section(name="one", title="b")])
    with pytest.raises(ValueError, match="pictures: 'same' is there twice"):
        Page(title="t", sections=[Section(name=name, title="a", pictures=[picture("same")]) for name in ("one", "two")])
