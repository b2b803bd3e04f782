"""The text that the tiny model is warm-started on: (prompt, reply) pairs by demonstrators of mixed care.

As in text found in the wild, not every demonstration is right. A stated share of the solver's replies is careless (a
plausible value, input or program that belongs to another question), a stated share of the proposals is unusable, and a
few replies slip in their format. A model that imitates them all knows more than its samples show; that gap is what
reinforcement has to close.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from selfplay_envs.games.questions.prompts import STYLES as INSTRUCTION_STYLES
from selfplay_envs.games.zero_sum.prompts import STYLES as POKER_STYLES
from selfplay_envs.replies.parsing import fence

from .programs import Task, propose_prompt, sample_task, solve_prompt

IDENTITY = ("def f(x):\n    return x", "'Hello world'", "'Hello world'")
"""The one triplet a self-play run may start from; proposer prompts show it now and then."""
WORDS = tuple(
    "the a cat dog bird fish tree sun moon rain wind river stone road house green blue red old new small big slow quick "
    "runs sleeps sings jumps sees finds likes makes over under near with and then home today".split()
)


@dataclass(frozen=True, slots=True)
class Example:
    """One demonstration: a user's prompt and the assistant's reply."""

    kind: str
    prompt: str
    """Empty for a document, which is not a conversation."""
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """How imperfect the demonstrators are; every share is a probability."""

    wrong: float = 0.3
    """Share of solver replies that answer another question."""
    slip: float = 0.05
    """Share of all replies with a broken format: a wrong label, a lost closing fence, or a lost first block."""
    unusable: float = 0.15
    """Share of proposals that repeat a reference, or whose input does not fit the program."""


def examples(rng: np.random.Generator, care: Care) -> Iterator[Example]:
    """An endless mixture over tasks outside the held-out split: solving 72 %, proposing 18 %, the other games 10 %."""
    recent = [sample_task(rng, held_out=False) for _ in range(64)]
    by_signature = {task.signature: task for task in recent}
    while True:
        task = sample_task(rng, held_out=False)
        other = by_signature.get(task.signature, recent[0])
        kind = ("deduction", "abduction", "induction")[int(rng.integers(3))]
        drafts = [_solve(rng, care, name, task, other) for name in ("deduction", "abduction", "induction")]
        if rng.random() < 0.75:
            drafts.append(_propose(rng, care, kind, task, recent))
        if rng.random() < 0.4:
            drafts.append((_kuhn, _challenge, _answer)[int(rng.integers(3))](rng))
        for draft in drafts:
            yield Example(draft.kind, draft.prompt, _slip(rng, draft.reply) if rng.random() < care.slip else draft.reply)
        recent[int(rng.integers(len(recent)))] = by_signature[task.signature] = task


def documents(rng: np.random.Generator) -> Iterator[Example]:
    """Endless careful worked examples, outside any conversation: a program, then its pairs, input first or output first."""
    while True:
        task = sample_task(rng, num_inputs=8, held_out=False)
        pairs = list(zip(task.inputs, task.outputs, strict=True))
        for first, second in (("input", "output"), ("output", "input")):
            shown = [fence(first, pair[first == "output"]) + "\n" + fence(second, pair[first == "input"]) for pair in pairs]
            yield Example(f"document {second}", "", "\n".join([fence("python", task.program), *shown]))


def _solve(rng: np.random.Generator, care: Care, kind: str, task: Task, other: Task) -> Example:
    index, wrong = int(rng.integers(len(task.inputs))), rng.random() < care.wrong
    source = (index + 1) % len(task.inputs) if wrong else index
    if kind == "deduction":
        # Half of the careless answers belong to another input, half copy the input down.
        reply = fence("output", task.inputs[index] if wrong and rng.random() < 0.5 else task.outputs[source])
    elif kind == "abduction":
        reply = fence("input", task.outputs[index] if wrong and rng.random() < 0.3 else task.inputs[source])
    else:
        reply = fence("python", (other if wrong else task).program)
    return Example(f"solve {kind}", solve_prompt(kind, task, index), reply)


def _propose(rng: np.random.Generator, care: Care, kind: str, task: Task, recent: list[Task]) -> Example:
    unusable = rng.random() < care.unusable
    if kind == "induction":
        reply = [fence("input", text) for text in task.inputs[: 3 if unusable else 4]] + [fence("message", task.signature)]
        return Example(f"propose {kind}", propose_prompt(kind, [(task.program, "", "")]), "\n".join(reply))
    chosen = [recent[int(i)] for i in rng.choice(len(recent), int(rng.integers(1, 4)), replace=False)]
    references = [(known.program, known.inputs[0], known.outputs[0]) for known in chosen]
    if rng.random() < 0.15:
        references[int(rng.integers(len(references)))] = IDENTITY
    program, text = task.program, task.inputs[0]
    if unusable and rng.random() < 0.5:
        program, text = references[0][:2]
    elif unusable:
        text = recent[0].inputs[0]
    return Example(f"propose {kind}", propose_prompt(kind, references), fence("python", program) + "\n" + fence("input", text))


def _slip(rng: np.random.Generator, reply: str) -> str:
    roll = rng.random()
    if roll < 0.4:
        return reply.removesuffix("\n```")
    if roll < 0.7:
        return reply.replace("```output", "```input") if "```output" in reply else reply.replace("```input", "```output")
    return reply.rpartition("```\n```")[2] if "```\n```" in reply else reply.split("\n", 1)[-1]


def _kuhn(rng: np.random.Generator) -> Example:
    card = "JQK"[int(rng.integers(3))]
    history, legal = (
        ((), ("check", "bet")),
        (("check",), ("check", "bet")),
        (("bet",), ("call", "fold")),
        (("check", "bet"), ("call", "fold")),
    )[int(rng.integers(4))]
    order = legal if rng.random() < 0.5 else legal[::-1]
    [prompt] = POKER_STYLES["terse"].kuhn(card, history, order)
    return Example("kuhn", prompt.content, fence("action", legal[int(rng.integers(2))]))


def _clauses(rng: np.random.Generator) -> list[tuple[str, str]]:
    """One to three different (kind, argument) clauses."""
    kinds = rng.choice(["exactly", "include", "avoid", "start", "end", "case"], int(rng.integers(1, 4)), replace=False).tolist()
    letter, case = "abcdefghimnoprstuw"[int(rng.integers(18))], ("lowercase", "uppercase")[int(rng.integers(2))]
    word = lambda: WORDS[int(rng.integers(len(WORDS)))]  # noqa: E731
    return [
        (
            kind,
            str(rng.integers(3, 8)) if kind == "exactly" else letter if kind == "avoid" else case if kind == "case" else word(),
        )
        for kind in kinds
    ]


def draw_instruction(rng: np.random.Generator) -> str:
    """An instruction of one to three clauses, which no answer may meet."""
    return _text(_clauses(rng))


def _text(clauses: list[tuple[str, str]]) -> str:
    forms = {
        "exactly": "use exactly {} words",
        "include": "include the word {}",
        "avoid": "avoid the letter {}",
        "case": "use only {}",
    }
    forms |= {"start": "start with the word {}", "end": "end with the word {}"}
    return "; ".join(forms[kind].format(argument) for kind, argument in clauses)


def _challenge(rng: np.random.Generator) -> Example:
    [prompt] = INSTRUCTION_STYLES["terse"].challenge()
    return Example("challenge", prompt.content, fence("instruction", draw_instruction(rng)))


def _answer(rng: np.random.Generator) -> Example:
    """A sentence that mostly obeys: each clause is forgotten one time in eight."""
    clauses = _clauses(rng)
    obeyed = {kind: argument for kind, argument in clauses if rng.random() > 0.125}
    pool = [word for word in WORDS if obeyed.get("avoid", "?") not in word]
    words = [pool[int(i)] for i in rng.integers(0, len(pool), int(obeyed.get("exactly", rng.integers(3, 8))))]
    if "include" in obeyed:
        words[int(rng.integers(1, len(words) - 1))] = obeyed["include"]
    words[0], words[-1] = obeyed.get("start", words[0]), obeyed.get("end", words[-1])
    sentence = " ".join(words)
    [prompt] = INSTRUCTION_STYLES["terse"].answer(_text(clauses))
    return Example(
        "answer", prompt.content, fence("answer", sentence.upper() if obeyed.get("case") == "uppercase" else sentence)
    )
