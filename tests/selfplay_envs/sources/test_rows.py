"""Rows of files: every kind gives the same rows, each with its place, one at a time; and what is wrong is named."""

import csv
import json
import sys
import tracemalloc

import pytest

from selfplay_envs import UsageError
from selfplay_envs.sources.rows import read_rows

ROWS = [
    {"question": 'a, "b"\nc\u2028d', "answer": "1"},
    {"question": "\u00fc = \U0001d54f", "answer": ""},
    {"question": "\t|\t", "answer": "\\frac{1}{2}"},
]


def write(path, rows=ROWS, mark=""):
    """Writes rows in the form that the ending says; `mark` stands in front."""
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        if path.suffix == ".json":
            json.dump(rows, file, ensure_ascii=False)
        elif path.suffix == ".jsonl":
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            table = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            table.writeheader()
            table.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("rows.jsonl", [":1", ":2", ":3"]),
        ("rows.json", [":row 1", ":row 2", ":row 3"]),
        ("rows.csv", [":2", ":4", ":5"]),  # the first record spans two lines
        ("rows.tsv", [":2", ":4", ":5"]),
        ("ROWS.CSV", [":2", ":4", ":5"]),
        ("rows.parquet", [":row 1", ":row 2", ":row 3"]),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte-order mark"])
def test_every_kind_gives_the_same_rows_with_their_places(tmp_path, name, places, mark):
    path = write(tmp_path / name, mark=mark)
    assert list(read_rows(path)) == [(f"{path}{place}", row) for place, row in zip(places, ROWS, strict=True)]


def test_blank_lines_are_counted_and_passed_over(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('\n{"a": 1}\n\n \n{"a": 2}\n')
    assert [place for place, _ in read_rows(path)] == [f"{path}:2", f"{path}:5"]
    path = tmp_path / "rows.csv"
    path.write_text("\na,b\n\n1,2\n\n\n3,4\n")
    assert list(read_rows(path)) == [(f"{path}:4", {"a": "1", "b": "2"}), (f"{path}:7", {"a": "3", "b": "4"})]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "rows.jsonl",
            b'{"a": 1}\n[1]\n',
            "rows.jsonl:2 is not a row: one JSON object per line (TypeError: [1] is no JSON object)",
        ),
        ("rows.jsonl", b'{"a": 1}\n\n{"a": \n', "rows.jsonl:3 is not a row: one JSON object per line (JSONDecodeError"),
        ("rows.jsonl", b"\n \n", "rows.jsonl' holds no row; give a file with one row per problem."),
        ("rows.jsonl", b"", "holds no row"),
        ("rows.json", b"[]", "holds no row"),
        ("rows.json", b'{"a": 1}', "rows.json holds dict, not a list of rows; write one object per line into a .jsonl file."),
        ("rows.json", b'[{"a": 1}, 2]', "rows.json:row 2 is not a row (2 is no JSON object)."),
        (
            "rows.json",
            b'{"a": 1}\n{"a": 2}\n',
            "is not JSON (Extra data: line 2 column 1 (char 9)); a file with one object per line",
        ),
        ("rows.json", b'[{"a": "\xff"}]', "rows.json is not JSON ('utf-8' codec"),
        ("rows.csv", b"a,b\n", "holds no row"),
        ("rows.csv", b"a,b\n1,2\n1,2,3\n", "rows.csv:3 has 3 cells for 2 columns (a, b)."),
        ("rows.csv", b"a,b\n1,2\n1\n", "rows.csv:3 has 1 cells for 2 columns (a, b)."),
        ("rows.csv", b'a,b\n1,2\n1,"2\n3,4\n', "rows.csv:3 cannot be read (unexpected end of data); quote cells"),
        ("rows.csv", b"a,b\n1,\xff\n", "rows.csv:1 cannot be read ('utf-8' codec"),  # the decoder reads ahead
        ("rows.csv", b"a,a\n1,2\n", "rows.csv:1 is no list of column names: 'a, a'; name every column, each once."),
        ("rows.csv", b"a,\n1,2\n", "rows.csv:1 is no list of column names: 'a, '; name every column, each once."),
        ("rows.parquet", b"nothing", "rows.parquet:row 1 cannot be read ("),
        ("rows.jsonl.gz", b"x", "rows.jsonl.gz' is packed, which is not read here; unpack it and give the rows.jsonl in it."),
        (
            "rows.txt",
            b"x",
            "rows.txt' is of no kind that is read here; a file of rows ends with .jsonl, .json, .csv, .tsv, .parquet.",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        list(read_rows(path))
    assert sentence in str(error.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"rows\.csv' is not there; give the path of a file, from '.+' or absolute\."):
        list(read_rows(tmp_path / "rows.csv"))
    with pytest.raises(UsageError, match=r"' is a folder; name one file in it, or read the folder as hf:"):
        list(read_rows(tmp_path))


def test_rows_before_a_bad_one_are_given(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\nno\n')
    rows = read_rows(path)
    assert next(rows) == (f"{path}:1", {"a": 1})
    with pytest.raises(UsageError, match=r"rows\.jsonl:2"):
        next(rows)


def test_parquet_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "rows.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"rows\.parquet' needs pyarrow; pip install 'selfplay\[benchmarks\]'\."):
        list(read_rows(path))


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_memory_does_not_grow_with_the_rows(tmp_path, name):
    path = write(tmp_path / name, [{"question": f"{number} " + "x" * 4000, "answer": "1"} for number in range(1500)])
    list(read_rows(write(tmp_path / f"few{path.suffix}")))  # what is imported on the way is no part of it
    tracemalloc.start()
    for _ in read_rows(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000  # of 6 MB in the file; a batch of 256 rows is 1 MB, and two may be alive


@pytest.mark.parametrize(
    ("name", "said"), [("rows.json", "' cannot be read .maximum"), ("rows.jsonl", ":1 is not a row: .*maximum")]
)
def test_json_nested_too_deeply_is_named(tmp_path, name, said):
    path = tmp_path / name
    path.write_text("[" * 100_000)
    with pytest.raises(UsageError, match=rf"{name}{said} recursion"):
        list(read_rows(path))


def test_a_file_that_the_system_does_not_read_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"jsonl' cannot be read|is not there|cannot be read \(\[Errno 36\]"):
        list(read_rows(tmp_path / f"{'x' * 300}.jsonl"))


def test_damaged_pages_of_parquet_are_named(tmp_path):
    path = write(tmp_path / "rows.parquet")
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"rows\.parquet.* cannot be read"):
        list(read_rows(path))


def test_two_columns_of_one_name_are_refused_in_parquet_too(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table([pyarrow.array(["5"]), pyarrow.array(["6"])], names=["answer", "answer"]), path)
    with pytest.raises(UsageError, match="no list of column names: 'answer, answer'"):
        list(read_rows(path))


def test_a_cell_of_csv_may_be_long(tmp_path):
    [(_, row)] = read_rows(write(tmp_path / "rows.csv", [{"question": "x" * 300_000, "answer": "1"}]))
    assert len(row["question"]) == 300_000
