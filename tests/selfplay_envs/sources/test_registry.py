"""Sources by text: what each text means, what is kept, and one sentence for each that means nothing."""

import json
import os
import sys
import threading
import time

import pytest

from selfplay_envs import UsageError
from selfplay_envs.sources.registry import BENCHMARKS, SOURCES, benchmarks, file_of, open_source, problems_of
from selfplay_envs.sources.source import Source
from selfplay_envs.verifiers.answers.table import find_answer_verifier


def write(path, count=3, **more):
    path.write_text("".join(json.dumps({"question": f"{n}?", "answer": str(n), **more}) + "\n" for n in range(count)))
    return path


@pytest.fixture
def rows(tmp_path):
    return write(tmp_path / "rows.jsonl")


def answers(*args, **kwargs):
    return [problem.answer for problem in open_source(*args, **kwargs).read()]


def test_the_sample_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = open_source("sample")
    assert source.rows == len(problems_of(source))
    assert answers("sample:limit=2") == ["48", "42"]
    assert open_source("sample", "exact:case=0").verifier == "exact:case=0"


def test_a_file_is_read_with_the_verifier_and_the_columns_that_are_named(rows):
    source = open_source(str(rows), "exact", "question=answer,answer=question")
    assert (source.name, source.verifier, source.origin, source.file) == ("rows", "exact", str(rows), str(rows))
    assert [(p.fields["question"], p.answer) for p in source.read()] == [("0", "0?"), ("1", "1?"), ("2", "2?")]
    assert answers(f"{rows}:limit=2,verifier=exact") == ["0", "1"]


def test_making_a_source_reads_nothing(tmp_path):
    source = open_source(str(tmp_path / "later.jsonl"), "exact")
    write(tmp_path / "later.jsonl")
    assert len(list(source.read())) == 3


def test_a_file_of_chats_needs_no_verifier(tmp_path):
    path = tmp_path / "chats.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]}\n')
    assert open_source(str(path)).verifier == "chat"
    assert answers(f"{path}:limit=1") == ["!"]


def test_a_folder_in_the_form_of_the_hub(rows, tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "sums").mkdir()
    rows.rename(tmp_path / "sums/train.jsonl")
    text = f"hf:{tmp_path}/sums"
    assert answers(f"{text}::train", "exact") == ["0", "1", "2"]
    assert answers(f"{text}:split=train,limit=1,verifier=exact,columns=answer=question") == ["0?"]
    source = open_source(f"{text}:default:train", "exact")
    assert (source.name, source.origin) == ("sums-default", f"{text}:default:train")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.jsonl", "a.jsonl"),
        ("b/a.csv:limit=2", "b/a.csv"),
        ("A.PARQUET", "A.PARQUET"),
        ("a.jsonl.gz", "a.jsonl.gz"),
        ("b/a.txt", "b/a.txt"),
        ("gsm8k", ""),
        ("gsm8k:path=a.jsonl", ""),
        ("hf:b/a", ""),
        ("module:FUNCTION:path=b/a.jsonl", ""),
        ("b/module.py:FUNCTION", ""),
    ],
)
def test_which_texts_are_files(text, path):
    assert file_of(text) == path


FORM = "is not of the form hf:NAME:CONFIG:SPLIT:key=value, of which all but the first name may be left out."


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("sample2",), "source='sample2' is not known; did you mean 'sample'? choose one of sample, "),
        (
            ("rows",),
            "or a file (.jsonl, .json, .csv, .tsv, .parquet), hf:..., reasoning-gym:..., or module:FUNCTION for one of your",
        ),
        (("gsm9k:limit=3",), "source='gsm9k:limit=3' is not known; did you mean 'gsm8k'?"),
        (("rows.jsonl:limits=2", "exact"), "option 'limits' is not known; choose among verifier, limit, columns."),
        (("rows.jsonl:limit=two", "exact"), "limit='two' is not understood; write a whole number."),
        (("rows.jsonl", "exakt"), "verifier='exakt' is not known; did you mean 'exact'?"),
        (("rows.jsonl", "exact", "question"), "columns='question': 'question' is no pair"),
        (
            ("rows.jsonl",),
            "source='rows.jsonl': its rows say nothing of how answers are judged; give verifier=NAME (chats: chat).",
        ),
        (("hf:acme/sums",), "source='hf:acme/sums::test': its rows say nothing of how answers are judged"),
        (("hf:", "exact"), FORM),
        (("hf:limit=3", "exact"), FORM),
        (("hf:a:b:c:d", "exact"), FORM),
        (("hf:a:b:test:split=b", "exact"), "option 'split' is not known"),
        (("rows.jsonl:verifier=exact", "exact"), "names a verifier, and so does verifier='exact'; leave one of them out."),
        (("sample", "", "a=b"), "source='sample' knows no columns but its own; leave columns='a=b' out."),
        (("my_sources:ready", "exact"), "source='my_sources:ready' knows no verifier but its own; leave verifier='exact' out."),
        (("my_sources:nothing",), "source='my_sources:nothing' makes None, which is no Source; return one from that function."),
        (("my_sources:odd",), "verifier='odd' is not known"),
        (("my_sources:NUMBER",), "source='my_sources:NUMBER' names no function that returns a Source"),
    ],
)
def test_what_means_nothing_is_one_sentence(args, sentence, rows, my_sources, monkeypatch):
    monkeypatch.chdir(rows.parent)
    with pytest.raises(UsageError) as error:
        list(open_source(*args).read())
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


MY_SOURCES = """
from selfplay_envs.sources.source import Source
from selfplay_envs.tasks.problem import Problem

def ready(*, count: int = 2):
    return Source(name="ready", verifier="exact", read=lambda: (
        Problem(fields={"question": str(n)}, answer=str(n)) for n in range(count)))

def nothing():
    return None

def odd():
    return Source(name="odd", verifier="odd", read=list)

NUMBER = 3
"""


@pytest.fixture
def my_sources(tmp_path, monkeypatch):
    (tmp_path / "my_sources.py").write_text(MY_SOURCES)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("my_sources", None)


def test_a_function_of_ones_own_is_a_source(my_sources):
    assert answers("my_sources:ready") == ["0", "1"]
    assert answers("my_sources:ready:count=3") == ["0", "1", "2"]


def test_problems_are_kept_until_the_file_changes(rows):
    source = open_source(str(rows), "exact")
    first = problems_of(source)
    assert problems_of(open_source(str(rows), "exact")) is first
    write(rows, 4)
    assert len(problems_of(source)) == 4
    text = rows.read_text()
    rows.write_text(text.replace('"3"', '"5"'))  # of the same size
    os.utime(rows, ns=(1, 1))
    assert problems_of(source)[3].answer == "5"


def test_a_file_that_failed_is_tried_again(rows):
    text = rows.read_text()
    rows.write_text("no\n")
    source = open_source(str(rows), "exact")
    with pytest.raises(UsageError, match=r"rows\.jsonl:1"):
        problems_of(source)
    rows.write_text(text)
    assert len(problems_of(source)) == 3


def test_a_hundred_lanes_read_a_source_once(my_sources):
    reads = []

    def read():
        reads.append(1)
        time.sleep(0.05)
        return open_source("my_sources:ready").read()

    source = Source(name="slow", verifier="exact", read=read)
    threads = [threading.Thread(target=problems_of, args=(source,)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(problems_of(source)) == 2
    assert len(reads) == 1


def test_the_table_of_benchmarks_says_what_each_is_and_reads_nothing():
    table = benchmarks()
    assert [source.name for source in table] == list(BENCHMARKS)
    assert set(BENCHMARKS) < set(SOURCES.table)
    for source in table:
        assert source.rows > 0
        assert source.licence, source.name
        assert source.paper, source.name
        assert source.url.startswith("https://"), source.name
        assert source.origin.startswith("hf:"), source.name
        find_answer_verifier(source.verifier)
