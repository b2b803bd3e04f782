from __future__ import annotations

from pathlib import Path

import pytest

from agents.core.files import flush_to_disk, write_whole


def test_a_file_has_the_old_content_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    write_whole(path, "old")

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_whole(path, "new")
    assert path.read_text() == "old"
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


def test_files_and_folders_are_flushed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    flush_to_disk(tmp_path / "a")
    flush_to_disk(tmp_path)
