"""Arguments that are read before tyro sees them, and files that are to be written."""

from pathlib import Path

import pytest

from agents.arguments.parser import check_writable, find_value, join_options, take_value
from selfplay_envs import UsageError


def test_a_value_is_taken_out_of_arguments():
    assert take_value(["--a", "1", "--preset", "x", "--b"], "--preset") == ("x", ["--a", "1", "--b"])
    assert take_value(["--preset=x", "--b"], "--preset") == ("x", ["--b"])
    assert take_value(["--b"], "--preset") == ("", ["--b"])


def test_a_flag_that_names_nothing_is_refused():
    for args in (["--preset"], ["--preset", "--b"], ["--preset="]):
        with pytest.raises(ValueError, match="--preset names nothing; type --preset NAME"):
            take_value(args, "--preset")


def test_a_value_is_found_where_it_stands():
    assert find_value(["--a", "1", "--out", "x"], "--out") == "x"
    assert find_value(["--out=x"], "--out") == "x"
    assert find_value(["--out"], "--out") == ""
    assert find_value(["--a"], "--out") == ""


def test_all_options_become_one():
    args = ["--options", "a", "1", "--seed", "3", "--options", "b=2", "a=4"]
    assert join_options(args) == ["--seed", "3", "--options", "a", "4", "b", "2"]
    assert join_options(["--options", "a", "1", "b"]) == ["--options", "a", "1", "b"]  # tyro refuses the odd one
    assert join_options(["--seed", "3"]) == ["--seed", "3"]


def test_a_file_that_can_be_written_is_left_as_it_was(tmp_path: Path):
    there = tmp_path / "there"
    there.write_text("x")
    for path in (there, tmp_path / "new"):
        check_writable(path, "save")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there", "x")]
    with pytest.raises(UsageError, match=r"save='.*' cannot be written \(No such file or directory\)"):
        check_writable(tmp_path / "absent" / "file", "save")
