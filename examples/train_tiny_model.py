"""Warm-start the tiny laboratory model from nothing, on two CPU cores, and write it where the package ships it.

What we chose, and why. A self-play run of ten minutes can sharpen a model, hardly teach it. So the warm start resembles
pretraining on found text: first careful worked examples and conversations, then conversations by demonstrators of mixed
care (`Care`: 30 % of the solver's replies answer another question, 15 % of the proposals are unusable, 5 % of the replies
break the format). Sampled at temperature 1 the model imitates the careless share too and shows less than it knows;
reinforcement from verified rewards closes part of that gap. The held-out programs are 5 % of all programs, by a hash of
the syntax tree; no demonstration touches them, and self-play refuses proposals that fall among them.

The checkpoint in `agents/tiny` came out of this recipe; `recipe.json` beside it holds its settings, counts and scores.

    python -m examples.train_tiny_model            # about 8 minutes, writes agents/tiny
    python -m examples.train_tiny_model --fast     # a smoke run, writes a temporary folder
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import track
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agents.config.run import EvalConfig
from agents.config.sampling import Sampling
from agents.evaluation.evaluate import evaluate
from agents.models.loading import load_model
from agents.samplers.transformers import TransformersSampler
from agents.tiny.demonstrations import Care, Example, documents, examples
from agents.tiny.folder import TINY_MODEL
from agents.tiny.programs import Task, sample_task
from selfplay_envs import Referee, read_azr_tasks
from selfplay_envs.replies.parsing import bodies
from selfplay_envs.tasks.programs import parse_program, program_key

SPECIAL = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>")
LABELS = ("python", "input", "output", "message", "action", "instruction", "answer")
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
console = Console()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the checkpoint."""

    out: Path = TINY_MODEL
    """Folder to write."""
    fast: bool = False
    """A smoke run of seconds that writes a temporary folder instead of `out`."""
    seed: int = 2025
    examples: int = 80_000
    """Documents and demonstrations, each seen once."""
    shares: tuple[float, float, float] = (0.25, 0.39, 0.36)
    """Of them: careful documents and careful conversations, mixed; then conversations of mixed care."""
    tokens_per_batch: int = 1_500
    """Size of one optimiser step, padding included."""
    lr: float = 3e-3
    """Peak learning rate of embeddings and norms, which AdamW trains; 40 steps of warm-up, then linear decay to 5 %."""
    muon_lr: float = 0.02
    """Peak learning rate of the weight matrices, which Muon trains; the same schedule."""
    prompt_weight: float = 0.1
    """Weight of a prompt token's loss next to a reply token's."""
    hidden: int = 128
    layers: int = 4
    vocabulary: int = 448
    held_out: int = 240
    """Held-out programs to write and to measure on."""
    samples: int = 8
    """Samples per held-out problem, for pass@1 and pass@4."""
    threads: int = 1
    """Threads of torch. One is slower where nothing else runs, and the sums do not depend on how they were shared out."""
    care: Care = field(default_factory=Care)


def build_tokenizer(corpus: list[Example], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE. Digits and the letters of our string literals stay single; fence lines are one token each."""
    tokenizer = Tokenizer(models.BPE())
    # A word keeps its letters together only if one of them is in f-w: keywords have one, our strings (a-e, x-z) have none.
    pieces = Regex(r"[A-Za-z_]*[f-w_][A-Za-z_]* ?|[A-Za-z]|\d| ?[^\sA-Za-z\d]+ ?|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pieces, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    fences = [text for label in LABELS for text in (f"```{label}\n", f"\n```{label}\n")] + ["\n```", "```"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(fences),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text.replace("```", "") for row in corpus for text in (row.prompt, row.reply)), trainer)
    tokenizer.add_tokens([AddedToken(fence, normalized=False, special=False) for fence in fences])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>", additional_special_tokens=list(SPECIAL[2:]),
        chat_template=TEMPLATE, model_max_length=512, padding_side="left", clean_up_tokenization_spaces=False,
    )  # fmt: skip


def tokenise(
    tokenizer: PreTrainedTokenizerFast, rows: list[Example], prompt_weight: float
) -> list[tuple[list[int], list[float]]]:
    """Ids and loss weights of each row. In a document the second block of every pair is what counts."""
    opening = {
        kind: tokenizer.convert_tokens_to_ids(f"\n```{kind.split()[1]}\n") for kind in ("document output", "document input")
    }
    closing = tokenizer.convert_tokens_to_ids("\n```")
    prompts = tokenizer([f"<|user|>{row.prompt}<|assistant|>" for row in rows])["input_ids"]
    replies = tokenizer([f"{row.reply}<|end|>" for row in rows])["input_ids"]
    made: list[tuple[list[int], list[float]]] = []
    for row, prompt, reply in zip(rows, prompts, replies, strict=True):
        if row.prompt:
            made.append((prompt + reply, [prompt_weight] * len(prompt) + [1.0] * len(reply)))
            continue
        weights, weight = [], prompt_weight
        for token in reply:
            weights.append(weight)
            weight = 1.0 if token == opening[row.kind] else prompt_weight if token == closing else weight
        made.append((reply, weights))
    return made


def batches(
    rows: list[tuple[list[int], list[float]]], rng: np.random.Generator, tokens: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Rows of similar length together, in random order: ids_BT right-padded with 0, and the loss weight of each position."""
    order = sorted(rng.permutation(len(rows)).tolist(), key=lambda i: len(rows[i][0]))
    groups: list[list[int]] = [[]]
    for i in order:
        if len(rows[i][0]) * (len(groups[-1]) + 1) > tokens:
            groups.append([])
        groups[-1].append(i)
    made: list[tuple[torch.Tensor, torch.Tensor]] = []
    for group in rng.permutation(len(groups)):
        width = max(len(rows[i][0]) for i in groups[group])
        ids_BT, weight_BT = torch.zeros(len(groups[group]), width, dtype=torch.long), torch.zeros(len(groups[group]), width)
        for b, i in enumerate(groups[group]):
            ids, weights = rows[i]
            ids_BT[b, : len(ids)], weight_BT[b, : len(ids)] = torch.tensor(ids), torch.tensor(weights)
        made.append((ids_BT, weight_BT))
    return made


def warm_start(model: LlamaForCausalLM, made: list[tuple[torch.Tensor, torch.Tensor]], recipe: Recipe) -> float:
    """One pass of next-token training; returns the mean loss over the last tenth, nats per weighted token."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers = [
        torch.optim.Muon(matrices, lr=recipe.muon_lr, weight_decay=0.02),
        torch.optim.AdamW(others, lr=recipe.lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    peaks = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    tail: list[float] = []
    for step, (ids_BT, weight_BT) in enumerate(track(made, "warm start", console=console)):
        done = step / len(made)
        groups = (group for optimizer in optimizers for group in optimizer.param_groups)
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * min(1.0, step / 40 + 0.02) * max(0.05, 1.0 - done)
        logits_BTV = model(input_ids=ids_BT).logits[:, :-1]
        loss_N = torch.nn.functional.cross_entropy(logits_BTV.flatten(0, 1), ids_BT[:, 1:].flatten(), reduction="none")
        weight_N = weight_BT[:, 1:].flatten()
        loss = (loss_N * weight_N).sum() / weight_N.sum()
        model.zero_grad()
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        if done > 0.9:
            tail.append(loss.item())
        if step % 250 == 0:
            console.print(f"step {step:5d} of {len(made)}  loss {loss.item():.3f}")
    return float(np.mean(tail))


def held_out_tasks(rng: np.random.Generator, count: int) -> list[Task]:
    """Tasks on `count` different held-out programs."""
    tasks: dict[str, Task] = {}
    while len(tasks) < count:
        task = sample_task(rng, held_out=True)
        tasks.setdefault(program_key(task.program), task)
    return list(tasks.values())


def write_held_out(out: Path, tasks: list[Task]) -> None:
    """The rows in AZR's forms: a triplet (pair 0) and an induction problem (pairs 0 to 3, half of them hidden) per program."""
    triplets = [{"snippet": t.program, "input": t.inputs[0], "output": t.outputs[0], "imports": []} for t in tasks]
    problems = [
        {
            "snippet": t.program,
            "inputs": list(t.inputs[:4]),
            "outputs": list(t.outputs[:4]),
            "message": t.signature,
            "imports": [],
        }
        for t in tasks
    ]
    for name, rows in (("heldout_triplets", triplets), ("heldout_induction", problems)):
        (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def make_corpora(recipe: Recipe, rng: np.random.Generator) -> list[list[Example]]:
    """Careful documents, careful conversations, conversations of mixed care."""
    careful = Care(wrong=0.0, slip=0.0, unusable=0.0)
    streams = (documents(rng), examples(rng, careful), examples(rng, recipe.care))
    return [list(islice(stream, int(recipe.examples * share))) for stream, share in zip(streams, recipe.shares, strict=True)]


def make_model(recipe: Recipe, vocabulary: int, seed: int) -> LlamaForCausalLM:
    """The untrained model; about 0.9 million parameters."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=3 * recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        tie_word_embeddings=True,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        initializer_range=0.08,  # near 1/sqrt(hidden): with the default 0.02 the loss stays on its plateau for longer
    )
    return LlamaForCausalLM(config)


def report(recipe: Recipe, corpora: list[list[Example]], tasks: list[Task], facts: dict[str, float]) -> None:
    """Measures the written checkpoint, counts programs on both sides of the split, writes and prints `recipe.json`."""
    texts = {text for part in corpora for row in part for text in bodies(row.prompt + "\n" + row.reply, "python")}
    warm, held = {program_key(text) for text in texts if parses(text)}, {program_key(task.program) for task in tasks}
    loaded, tokenizer = load_model(str(recipe.out), device="cpu")
    pairs, problems = (
        [t.to_json() for t in read_azr_tasks(recipe.out / f"heldout_{n}.jsonl")] for n in ("triplets", "induction")
    )
    games = {"SelfPlay/Deduction-v0": pairs, "SelfPlay/Abduction-v0": pairs, "SelfPlay/Induction-v0": problems}
    kwargs = {env_id: {"style": "terse"} for env_id in games}
    config = EvalConfig(samples=recipe.samples, sampling=Sampling(max_new_tokens=100))
    scores = evaluate(
        TransformersSampler(loaded, tokenizer), Referee(), games, config, kwargs=kwargs, seed=recipe.seed
    ).scores()
    counts = {"warm_start_programs": len(warm), "held_out_programs": len(held), "programs_in_both": len(warm & held)}
    settings = {name: value for name, value in asdict(recipe).items() if name not in ("out", "fast", "threads")}
    rounded = {name: round(value, 4) for name, value in scores.items()}
    recorded = {**settings, **counts, **facts, "held_out_scores": rounded}
    (recipe.out / "recipe.json").write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    console.print(counts, {name: value for name, value in rounded.items() if name.endswith(("@1", "@4"))})
    console.print(f"Written to {recipe.out}")


def parses(text: str) -> bool:
    """Whether a demonstration's program, which may have slipped, is Python at all."""
    return not isinstance(parse_program(text), str)


def main(recipe: Recipe) -> None:
    """Corpus, tokenizer, warm start, held-out rows, checkpoint; then the report."""
    if recipe.fast:
        recipe = replace(recipe, out=Path(tempfile.mkdtemp(prefix="tiny-")), examples=200, held_out=4, samples=4)
    started = time.monotonic()
    torch.set_num_threads(recipe.threads)
    corpus_seed, order_seed, held_out_seed, weights_seed = np.random.SeedSequence(recipe.seed).spawn(4)
    with console.status("writing demonstrations, about half a minute ..."):
        corpora = make_corpora(recipe, np.random.default_rng(corpus_seed))
        tasks = held_out_tasks(np.random.default_rng(held_out_seed), recipe.held_out)
        tokenizer = build_tokenizer(corpora[2][:20_000], recipe.vocabulary)
        order_rng = np.random.default_rng(order_seed)
        made: list[tuple[torch.Tensor, torch.Tensor]] = []
        for stage in (corpora[0] + corpora[1], corpora[2]):
            rows = tokenise(tokenizer, stage, recipe.prompt_weight)
            made += batches([row for row in rows if len(row[0]) <= 512], order_rng, recipe.tokens_per_batch)
    tokens = sum(int((weight_BT > 0).sum()) for _, weight_BT in made)
    console.print(f"{Counter(row.kind for part in corpora for row in part)}\n{tokens:,} tokens in {len(made)} batches")
    model = make_model(recipe, len(tokenizer), int(weights_seed.generate_state(1)[0]))
    loss = warm_start(model, made, recipe)
    recipe.out.mkdir(parents=True, exist_ok=True)
    write_held_out(recipe.out, tasks)
    model.to(torch.float16).save_pretrained(recipe.out)
    tokenizer.save_pretrained(recipe.out)
    console.print(f"{model.num_parameters():,} parameters, loss {loss:.3f}, {time.monotonic() - started:.0f} s")
    report(recipe, corpora, tasks, {"tokens": tokens, "steps": len(made), "loss": round(loss, 4)})


if __name__ == "__main__":
    main(tyro.cli(Recipe))
