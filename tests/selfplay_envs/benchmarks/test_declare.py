"""A declared benchmark: the source that calling it makes, from a file, and from the hub by the right names."""

import json

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks import declare
from selfplay_envs.benchmarks.declare import Benchmark

SUMS = Benchmark(
    name="sums",
    hub="acme/sums:main",
    split="validation",
    rows=5,
    convert=lambda row: None if row["q"] == "left out" else {"question": row["q"], "answer": row["a"]},
    verifier="exact:case=0",
    prompt="terse",
    licence="MIT",
    url="https://example.org",
    paper="none",
    notes="Nobody counts otherwise.",
)


def questions(source):
    return [problem.fields["question"] for problem in source.read()]


def test_its_facts_stand_in_the_source_and_nothing_is_read():
    source = SUMS()
    assert (source.name, source.rows, source.verifier, source.prompt) == ("sums", 5, "exact:case=0", "terse")
    assert (source.licence, source.url, source.paper) == ("MIT", "https://example.org", "none")
    assert (source.origin, source.file, source.notes) == ("hf:acme/sums:main:validation", "", "Nobody counts otherwise.")


def test_a_local_file_is_converted_limited_and_judged_as_asked(tmp_path):
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps({"q": q, "a": "1"}) + "\n" for q in ("a", "left out", "b", "c")))
    source = SUMS(path=str(path), limit=2, verifier="exact")
    assert (source.origin, source.file, source.verifier, source.rows) == (str(path), str(path), "exact", 5)
    assert questions(source) == ["a", "b"]
    path.write_text('{"q": "left out"}\n')
    with pytest.raises(UsageError, match="holds no problem that its options let through"):
        questions(source)


def test_the_hub_is_asked_for_its_set_its_config_and_the_split(monkeypatch):
    asked = []

    def read_hub(name, config, split, *, remedy):
        asked.append((name, config, split, remedy))
        yield "hf row 1", {"q": "a", "a": "1"}

    monkeypatch.setattr(declare, "read_hub", read_hub)
    assert questions(SUMS()) == ["a"]
    other = SUMS(split="train")
    assert questions(other) == ["a"]
    assert (other.rows, other.origin) == (0, "hf:acme/sums:main:train")  # how many it has is not known
    remedy = "give a local file as in sums:path=FILE"
    assert asked == [("acme/sums", "main", "validation", remedy), ("acme/sums", "main", "train", remedy)]
