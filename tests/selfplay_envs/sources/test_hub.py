"""Rows of the hub through the `datasets` package: real loading from a folder in its form, its cache, and every refusal.

Nothing here needs a network: what asks the hub whether it is there is replaced.
"""

import json
import sys

import pytest

from selfplay_envs import UsageError
from selfplay_envs.sources.hub import read_hub

REMEDY = "give a local file"


@pytest.fixture
def datasets(tmp_path, monkeypatch):
    """The package, with a cache of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return datasets


@pytest.fixture
def folder(tmp_path, datasets):
    """A folder in the form of the hub: two splits, as it is named there."""
    (tmp_path / "sums").mkdir()
    for split, count in (("test", 300), ("train", 2)):
        rows = [{"question": f"{number} + 1?", "answer": number + 1, "tags": ["a", None]} for number in range(count)]
        (tmp_path / f"sums/{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "sums"


@pytest.fixture
def no_network(monkeypatch):
    """The hub cannot be reached; yields what was asked of it beyond the first question."""
    import huggingface_hub

    def fail(*args, **kwargs):
        raise OSError("no way out")

    asked = []
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
    monkeypatch.setattr(huggingface_hub.HfApi, "hf_hub_download", lambda *args, **kwargs: asked.append(args) or fail())
    return asked


def test_a_folder_in_the_form_of_the_hub_is_read_by_its_splits(folder, capfd):
    rows = list(read_hub(str(folder), remedy=REMEDY))
    assert len(rows) == 300  # more than one batch
    assert rows[0] == (f"hf:{folder}::test row 1", {"question": "0 + 1?", "answer": 1, "tags": ["a", None]})
    assert rows[-1] == (f"hf:{folder}::test row 300", {"question": "299 + 1?", "answer": 300, "tags": ["a", None]})
    assert [row["answer"] for _, row in read_hub(str(folder), split="train", remedy=REMEDY)] == [1, 2]
    assert capfd.readouterr() == ("", "")  # no progress bar runs through a live screen


def test_an_unknown_config_or_split_is_answered_with_those_that_are_there(folder):
    with pytest.raises(UsageError) as error:
        list(read_hub(str(folder), split="tset", remedy=REMEDY))
    assert str(error.value).startswith(
        f"source='hf:{folder}::tset' cannot be read: Unknown split \"tset\". Should be one of ['t"
    )
    assert str(error.value).endswith("; choose among those, or give a local file.")
    with pytest.raises(UsageError, match=r"BuilderConfig 'main' not found\. Available: \['default'\]; choose among"):
        list(read_hub(str(folder), "main", remedy=REMEDY))


def test_what_an_earlier_visit_left_is_read_without_a_network(folder, datasets, no_network):
    list(read_hub(str(folder), remedy=REMEDY))
    cache = datasets.config.HF_DATASETS_CACHE
    (cache / "sums").rename(cache / "acme___sums")  # as if it had been fetched from acme/sums
    rows = list(read_hub("acme/sums", remedy=REMEDY))
    assert len(rows) == 300
    assert rows[0] == ("hf:acme/sums::test row 1", {"question": "0 + 1?", "answer": 1, "tags": ["a", None]})
    assert no_network == []  # the package would try again and again


def test_switches_of_the_package_are_left_as_they_were(folder, datasets, no_network):
    def switches():
        return datasets.are_progress_bars_disabled(), datasets.config.HF_HUB_OFFLINE

    try:
        for change in (datasets.disable_progress_bars, datasets.enable_progress_bars):
            change()
            before = switches()
            list(read_hub(str(folder), remedy=REMEDY))
            assert switches() == before
            with pytest.raises(UsageError):
                list(read_hub("acme/sums", remedy=REMEDY))
            assert switches() == before
    finally:
        datasets.enable_progress_bars()


def test_without_a_network_or_a_copy_one_sentence_says_what_to_do(datasets, no_network):
    with pytest.raises(UsageError) as error:
        list(read_hub("acme/sums", "main", remedy=REMEDY))
    assert str(error.value) == (
        "source='hf:acme/sums:main:test': the hub cannot be reached (no way out), and no earlier visit left these rows here; "
        "give a local file."
    )


def test_a_set_that_is_not_there_is_said_to_be_missing_or_gated(datasets, monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import RepositoryNotFoundError

    def fail(*args, **kwargs):
        raise RepositoryNotFoundError.__new__(RepositoryNotFoundError, "401")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
    with pytest.raises(UsageError) as error:
        list(read_hub("acme/sums", remedy=REMEDY))
    assert str(error.value) == (
        "source='hf:acme/sums::test': the hub shows no data set 'acme/sums', and there is no such folder; correct the id, "
        "log in with `hf auth login` where it is private or gated, or give a local file."
    )


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError) as error:
        list(read_hub("acme/sums", remedy=REMEDY))
    assert str(error.value) == (
        "source='hf:acme/sums::test' needs the package datasets; pip install 'selfplay[benchmarks]', or give a local file."
    )
