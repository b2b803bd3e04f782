"""Files of answers, ours or anybody's, read into the counts of an arm.

An arm is named by its seeds: files, folders, or patterns such as `out/seed-*/eval.jsonl`, with commas between them. A seed is

- a file of JSON lines with a sample each. `problem` (or `id`, or `task_id`) names the problem, together with `benchmark` where
  that is there. `correct` (or `passed`) is true or 1, false or 0, or null for a sample without a verdict, which counts for
  nothing; or it is a list of those, the samples of a problem. Or `verdict` is `right`, `void`, or any other word for wrong, as
  `selfplay eval` writes. Or there is a line per problem with the numbers `right` and `samples`. `program` may name what
  problems share that are no independent evidence.
- a file that `selfplay eval --json FILE` wrote, or a run's `eval.jsonl`: a row per model or step, of which `FILE@MODEL` or
  `FILE@STEP` takes one.
- a run's folder, which stands for its last evaluation (`RUN@STEP` for another), or a folder of files of samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from selfplay_envs import UsageError
from selfplay_envs.core.json_lines import read_json_lines

from .evaluation_rows import check_evaluation
from .trials import Count, Trials, counts_of_row, trials_of

EVALUATIONS, REPLIES = "eval.jsonl", "replies.jsonl"
"""A run's evaluations; and `selfplay eval`'s store of replies, which holds no verdicts."""
PROBLEM, CORRECT = ("problem", "id", "task_id"), ("correct", "passed")
"""Keys of a sample, the first that is there counts."""
FORMS = '{"problem": "x", "correct": true}'
FIRST = "first"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answers of a seed are."""

    path: Path
    row: str = ""
    """Model or step of the row that is meant, where a file has several; `first` for the first; empty for the last."""

    def __str__(self) -> str:
        """As it is typed."""
        return f"{self.path}@{self.row}" if self.row else str(self.path)


def places_of(text: str) -> list[Place]:
    """The seeds that an arm's text names; a pattern stands for all that fit, sorted.

    Raises:
        UsageError: A file or folder is not there, nothing fits a pattern, or two seeds are the same answers.
    """
    parts = [text] if Path(text).exists() else [part.strip() for part in text.split(",") if part.strip()]
    places = [place for part in parts for place in _expanded(part)]
    if not places:
        raise UsageError(f"arm={text!r} names no file; type FILE, or FILE,FILE for several seeds.")
    seen: dict[tuple[Path, str], Place] = {}
    for place in places:
        key = _answers_file(place.path).resolve(), place.row
        if key in seen:
            raise UsageError(f"arm={text!r} names the same answers twice, as {seen[key]} and {place}; name each seed once.")
        seen[key] = place
    return places


def read_arm(name: str, places: Sequence[Place]) -> Trials:
    """The counts of an arm whose seeds are at `places`.

    Raises:
        UsageError: A file holds no answers, or a line of it is wrong, or the seeds share no problem.
    """
    names = seed_names([str(place) for place in places])
    return trials_of(name, {seed: _counts(place) for seed, place in zip(names, places, strict=True)})


def seed_names(paths: Sequence[str]) -> list[str]:
    """`seed 3` where every path has a `seed-3`, `seed_3` or `seed3` in it, each another number; else the paths themselves.

    Seeds of two arms are paired by these names; a path is nobody else's name, so that what has no such number is not paired.
    """
    found = [re.findall(r"seed[-_=]?(\d+)", path) for path in paths]
    names = [f"seed {int(numbers[-1])}" for numbers in found if numbers]
    return names if len(set(names)) == len(paths) else list(paths)


def rows_in(place: Place) -> list[Row]:
    """The rows of evaluations in a run's folder or in a file of such rows; empty where it holds anything else."""
    path = _answers_file(place.path)
    if not path.is_file():
        return []
    rows: list[Row] = []
    for row in _lines(path):
        if not _is_evaluation(row):
            return []
        rows.append(row)
    return rows


def _answers_file(path: Path) -> Path:
    """The file of evaluations of a run's folder; any other path is what it is."""
    return path / EVALUATIONS if (path / EVALUATIONS).is_file() else path


def models_in(place: Place) -> list[str]:
    """The models whose rows are in a file of `selfplay eval --json`, in its order; empty for any other file."""
    rows = rows_in(place)
    return [str(row["model"]) for row in rows] if all("model" in row for row in rows) else []


def _expanded(part: str) -> Iterator[Place]:
    path, at, row = part.rpartition("@")
    if not at or Path(part).exists():
        path, row = part, ""
    found = sorted(glob(path)) if has_magic(path) and not Path(path).exists() else [path]
    if not found:
        raise UsageError(f"arm={part!r}: no file or folder fits this pattern; see what is there with `ls`.")
    for one in found:
        if not Path(one).exists():
            raise UsageError(f"arm={part!r}: there is no file or folder {one!r}; pass a file of samples or a run's folder.")
        yield Place(Path(one), row)


def _counts(place: Place) -> dict[str, Count]:
    """The answers of a seed by problem."""
    if rows := rows_in(place):
        return counts_of_row(_chosen(rows, place))
    if place.row:
        raise UsageError(f"arm={str(place)!r}: @{place.row} chooses a row of evaluations, but {place.path} holds none.")
    files = [place.path]
    if place.path.is_dir():
        files = [path for path in sorted(place.path.glob("*.jsonl")) if path.name != REPLIES]
    counts: dict[str, Count] = {}
    for path in files:
        for row in _lines(path):
            if _is_evaluation(row):
                raise UsageError(f"{path} holds rows of evaluations and of samples; keep them in different files.")
            _add(counts, row)
    if not counts:
        raise UsageError(f"arm={str(place)!r} holds no answers; pass files with lines such as {FORMS}.")
    return counts


def _chosen(rows: Sequence[Row], place: Place) -> Row:
    """The row that is meant: the last, unless several models are there."""
    if place.row == FIRST:
        return rows[0]
    if place.row:
        fitting = [row for row in rows if place.row in (str(row.get("model")), str(row.get("step")))]
    else:
        fitting = rows[-1:] if len({str(row.get("model")) for row in rows}) == 1 else []
    if len(fitting) == 1:
        return fitting[0]
    key = "model" if all("model" in row for row in rows) else "step"
    known = ", ".join(dict.fromkeys(str(row.get(key)) for row in rows))
    raise UsageError(
        f"arm={str(place)!r} does not say which row of {place.path} is meant; write {place.path}@ and a {key}: {known}."
    )


def _lines(path: Path) -> Iterator[Row]:
    """The lines of a file, each an object; of a run's evaluations without a last one that a kill cut off."""
    whole = path.name == EVALUATIONS and not _begins_with_a_sample(path)
    return read_json_lines(path, _checked, f"an answer such as {FORMS}", whole=whole)


def _begins_with_a_sample(path: Path) -> bool:
    """Whether the first line is an object and no row of evaluations; a file of samples may be called as a run's is."""
    try:
        return not _is_evaluation(next(read_json_lines(path, dict[str, Any], FORMS), {"problems": {}}))
    except UsageError:
        return False  # a line that was cut off, or a wrong one, which is named when it is read in earnest


def _checked(value: Any) -> Row:
    if not isinstance(value, dict):
        raise UsageError(f"not an answer, but {str(value)[:60]!r}; write an object such as {FORMS}.")
    if _is_evaluation(value):
        check_evaluation(value)
    else:
        _add({}, value)
    return value


def _is_evaluation(row: Row) -> bool:
    """Whether it is a row of evaluations, not a sample."""
    return isinstance(row.get("problems"), dict)


def _add(counts: dict[str, Count], row: Row) -> None:
    """Counts what a line says.

    Raises:
        UsageError: It does not say which problem is meant, or whether the answer is right.
    """
    key = next((key for key in PROBLEM if row.get(key) not in (None, "")), None)
    if key is None:
        raise UsageError(f"no problem is named; give each sample a {', '.join(map(repr, PROBLEM[:-1]))} or {PROBLEM[-1]!r}.")
    name = f"{row['benchmark']}/{row[key]}" if row.get("benchmark") else str(row[key])
    right, wrong, void = _verdicts(row)
    count = counts.setdefault(name, Count())
    count.right, count.counted, count.void = count.right + right, count.counted + right + wrong, count.void + void
    count.program = count.program or str(row.get("program") or "")


def _verdicts(row: Row) -> tuple[int, int, int]:
    """Right, wrong and void answers of a line."""
    if "right" in row and "samples" in row:
        right, samples = row["right"], row["samples"]
        if not (isinstance(right, int) and isinstance(samples, int) and 0 <= right <= samples):
            raise UsageError(f"right={right!r} of samples={samples!r} must be numbers with 0 <= right <= samples.")
        return right, samples - right, 0
    key = next((key for key in CORRECT if key in row), None)
    if key is None:
        if not isinstance(row.get("verdict"), str):
            raise UsageError(f"nothing says whether the answer is right; give each sample a {CORRECT[0]!r}: true or false.")
        verdict = row["verdict"]
        return int(verdict == "right"), int(verdict not in ("right", "void")), int(verdict == "void")
    values = row[key] if isinstance(row[key], list) else [row[key]]
    for value in values:
        if value is not None and (not isinstance(value, bool | int | float) or value not in (0, 1)):
            raise UsageError(f"{key}={value!r} is neither right (true or 1) nor wrong (false or 0) nor void (null).")
    void = sum(value is None for value in values)
    right = sum(value == 1 for value in values)
    return right, len(values) - right - void, void
