"""GSM8K's rows: the number behind the last ####."""

import json

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks.gsm8k import gsm8k


def problems(tmp_path, *answers, **options):
    path = tmp_path / "gsm8k.jsonl"
    path.write_text("".join(json.dumps({"question": "How many?", "answer": answer}) + "\n" for answer in answers))
    return list(gsm8k(path=str(path), **options).read())


@pytest.mark.parametrize("verifier", ["numeric", "exact", "math"])
def test_the_number_at_the_end_is_the_answer_whoever_judges(tmp_path, verifier):
    answers = "He has 2 * 3 = <<2*3=6>>6.\n#### 6", "#### 1\nNo:\n#### 2,125", "#### -5 "
    read = problems(tmp_path, *answers, verifier=verifier)
    assert [problem.answer for problem in read] == ["6", "2125", "-5"]
    assert [problem.fields for problem in read] == [{"question": "How many?"}] * 3


def test_a_row_without_the_mark_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gsm8k\.jsonl:2: answer='6' does not end with #### and a number"):
        problems(tmp_path, "#### 6", "6")
