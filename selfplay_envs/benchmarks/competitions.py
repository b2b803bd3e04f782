r"""Mathematics whose answers are judged as mathematics: MATH-500, AIME, AMC and Minerva's undergraduate courses.

Rows of all of them are alike: the problem, and its answer, or a solution that ends with `\boxed{ANSWER}`.
"""

from __future__ import annotations

from ..core.errors import UsageError
from ..replies.extraction import last_boxed
from ..sources.rows import Row
from .declare import Benchmark

QWEN = (
    "The evaluation of Qwen2.5-Math asks `Please reason step by step, and put your final answer within \\boxed{}.`, falls back "
    "on the last number of a reply without a box, and counts numbers that differ by a ten-thousandth (here with "
    "verifier=math:rel_tol=1e-4) or by a factor of a hundred (here wrong)."
)
AIME = (
    "Answers are whole numbers from 0 to 999; 033 counts as 33, which lm-eval, comparing texts, calls wrong. Most report the "
    "mean of 16 or more samples of each problem."
)


def _convert(row: Row) -> Row:
    question = row["problem"] if "problem" in row else row["question"]
    answer = row["answer"] if "answer" in row else last_boxed(row["solution"])
    if answer is None:
        raise UsageError(f"solution={row['solution'][-60:]!r} holds no \\boxed{{}} answer; give the row an answer column.")
    if isinstance(answer, float) and answer.is_integer():  # AMC 23 has 27.0 where 27 is meant
        answer = int(answer)
    answer = str(answer).replace("np.", "\\")  # one of Minerva's is np.arcsin(10/13)
    name = next((row[column] for column in ("id", "unique_id", "idx") if column in row), "")
    return {"id": str(name), "question": question, "answer": answer}


math500 = Benchmark(
    name="math500",
    hub="HuggingFaceH4/MATH-500",
    rows=500,
    convert=_convert,
    verifier="math",
    licence="not stated on its card; MIT for MATH, of which it is a part",
    url="https://huggingface.co/datasets/HuggingFaceH4/MATH-500",
    paper="arXiv:2305.20050",
    notes="lm-eval's minerva_math500 asks with four worked examples and reads `The final answer is ...`; its hendrycks_math500 "
    "reads what stands between the first and the last dollar sign and compares texts. " + QWEN,
)
aime24 = Benchmark(
    name="aime24",
    hub="math-ai/aime24",
    rows=30,
    convert=_convert,
    verifier="math",
    licence="Apache-2.0",
    url="https://huggingface.co/datasets/math-ai/aime24",
    paper="American Invitational Mathematics Examination 2024",
    notes=AIME,
)
aime25 = Benchmark(
    name="aime25",
    hub="math-ai/aime25",
    rows=30,
    convert=_convert,
    verifier="math",
    licence="Apache-2.0",
    url="https://huggingface.co/datasets/math-ai/aime25",
    paper="American Invitational Mathematics Examination 2025",
    notes=AIME,
)
amc23 = Benchmark(
    name="amc23",
    hub="math-ai/amc23",
    rows=40,
    convert=_convert,
    verifier="math",
    licence="not stated on its card",
    url="https://huggingface.co/datasets/math-ai/amc23",
    paper="American Mathematics Competitions 12 of 2023",
    notes="Those problems of the two papers whose answer is a number; the choices are left out. " + QWEN,
)
minerva = Benchmark(
    name="minerva",
    hub="math-ai/minervamath",
    rows=272,
    convert=_convert,
    verifier="math:rel_tol=1e-4",
    licence="not stated on its card",
    url="https://huggingface.co/datasets/math-ai/minervamath",
    paper="arXiv:2206.14858",
    notes="Many answers are rounded measures, so numbers may differ by a ten-thousandth, as in the evaluation of Qwen2.5-Math; "
    "verifier=math is exact. Units are passed over. " + QWEN,
)
