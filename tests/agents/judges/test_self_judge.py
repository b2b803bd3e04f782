"""The frozen model as a judge: what it is shown, what of its reply counts, and that it stays what it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.algorithms.table import find_algorithm
from agents.batching.batch import collate, samples_of
from agents.config.learner import LearnerConfig
from agents.config.presets import find_preset
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.judges.binding import self_judge
from agents.judges.pairs import Pair, Preference
from agents.judges.self_judge import CriteriaShare, SelfJudge, SelfOnUse
from agents.models.chat import Prompt
from agents.rollouts.collector import Collector
from agents.runs.metrics import episode_metrics
from agents.runs.rows import read_rows
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler
from agents.training.assembly import open_run
from agents.training.checks import asks_self, check_run
from agents.training.loop import train
from selfplay_envs import (
    Episode,
    JudgeItem,
    Judging,
    Message,
    Referee,
    Reply,
    Score,
    Slot,
    Start,
    UsageError,
    Verdict,
    register_game,
)
from selfplay_envs.replies.parsing import fence
from tests.helpers.toys import Letters, build_model, build_tokenizer

CHALLENGE = "SelfPlay/InstructionChallenge-v0"
JUDGED = "Test/JudgedLetters-v0"


class JudgedLetters(Letters):
    """Letters whose solvers are also judged by the run's own model."""

    judges = ("self",)

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        if slot.role == "proposer":
            return (yield from super().judge(slot, text, finish_reason))
        [score] = yield [JudgeItem(messages=self.prompt(slot), answers=(text,), judge="self")]
        return Verdict(valid=True, data={"quality": score.values[0], "quality_reason": score.reason})


register_game(JUDGED, f"{__name__}:JudgedLetters")


def item(*answers: str, request: str = "say red") -> JudgeItem:
    return JudgeItem(messages=(Message("user", request),), answers=answers, judge="self")


def saying(say: str | Callable[[Prompt, int], str]) -> SelfJudge:
    return SelfJudge(ScriptedSampler(say if callable(say) else lambda prompt, seed: say))


def test_a_judgement_that_was_cut_off_gives_no_score() -> None:
    class CutOff(ScriptedSampler):
        def generate(self, *asked: Any) -> list[list[Reply]]:
            return [[replace(reply, finish_reason="length") for reply in replies] for replies in super().generate(*asked)]

    text = "The answer asks me for <score>7</score>"
    [cut] = SelfJudge(CutOff([text])).score([item("red")])
    assert (cut.values, cut.reason) == ((0.0,), "cut_off")
    [whole] = saying(text).score([item("red")])
    assert (whole.values, whole.reason) == ((7.0,), "ok")


def test_what_an_answer_says_about_scores_is_not_read() -> None:
    assert saying("Bold.\n<score>2</score>").score([item("<score>7</score>")])[0].values == (2.0,)
    shy = saying("I would rather not say.")
    [score] = shy.score([item("<score>7</score>")])
    assert (score.values, score.reason) == ((0.0,), "unreadable")


def test_a_score_depends_on_the_item_alone() -> None:
    def say(prompt: Prompt, seed: int) -> str:
        return f"<score>{seed % 8}</score>"

    items = [item(answer, request=request) for request in ("a", "b") for answer in ("x", "y", "z", "x")]
    together = saying(say).score(items)
    assert together == [score for one in items for score in saying(say).score([one])]
    assert together[::-1] == saying(say).score(items[::-1])
    assert len({score.values for score in together}) > 2
    judge = SelfJudge(ScriptedSampler(say), names=(1, "self-judge"))
    assert judge.score(items) != together  # another run, other seeds
    assert len(judge.sampler.prompts) == 6  # type: ignore[attr-defined]


def test_several_answers_none_and_what_is_counted() -> None:
    replies = iter(["<score>5</score>", "well", "<score>1</score>"])
    judge = saying(lambda prompt, seed: next(replies))
    several, none = judge.score([item("a", "b", "c"), item()])
    assert (several.values, several.reason) == ((5.0, 0.0, 1.0), "unreadable")
    assert (none.values, none.reason) == ((), "ok")
    assert dict(judge.counts) == {"judged": 3, "unreadable": 1}
    assert judge.unparsed_share == 1 / 3
    assert saying("").unparsed_share == 0.0


def test_texts_without_room_for_a_judgement_are_never_sent() -> None:
    sampler = ScriptedSampler(lambda prompt, seed: "<score>6</score>")
    judge = SelfJudge(sampler, fits=lambda prompt: "long" not in prompt[1].content)
    long, short = judge.score([item("long" * 9), item("short")])
    assert (long.values, long.reason) == ((0.0,), "too_long")
    assert (short.values, short.reason) == ((6.0,), "ok")
    assert len(sampler.prompts) == 1
    assert dict(judge.counts) == {"judged": 2, "too_long": 1}


def test_the_room_is_that_of_the_model(tokenizer: PreTrainedTokenizerFast) -> None:
    judges: list[Any] = []
    for context in (128, 4096):
        model = build_model()
        model.config.max_position_embeddings = context
        judges.append(self_judge(0, TransformersSampler(model, tokenizer), tokenizer))
    assert [judge.score([item("red")])[0].reason for judge in judges] == ["too_long", "cut_off"]


def played(tokenizer: PreTrainedTokenizerFast, referee: Referee) -> list[Episode]:
    """Two challenges, two answers each: one scored 1 and 0 by the rules, the other 1/2 and malformed."""
    requests = ("include the word red", "include the word red; use only lowercase")

    def say(prompt: Prompt, seed: int) -> str:
        text = prompt[0].content
        if text.startswith("challenge"):
            return fence("instruction", next(challenges))
        return fence("answer", next(answers)) if requests[1] not in text else next(odd)

    challenges, answers, odd = iter(requests), iter(("red", "blue")), iter((fence("answer", "Red"), "no block"))
    starts = [Start(CHALLENGE, seed, {"attempts": 2, "style": "terse", "quality_weight": 0.5}) for seed in range(2)]
    return Collector(ScriptedSampler(say, tokenizer), referee, Sampling()).collect(starts, (0,))


def test_credits_and_advantages_of_language_self_play_by_hand(tokenizer: PreTrainedTokenizerFast) -> None:
    said = {"\nred\n": 6, "\nblue\n": 2, "\nRed\n": 4}
    judge = saying(lambda prompt, seed: next(f"<score>{q}</score>" for text, q in said.items() if text in prompt[1].content))
    episodes = played(tokenizer, Referee("process", judges={"self": judge}))
    # R + Q/2: 1 + 3, 0 + 1, 1/2 + 2, malformed -1; V and V_Q: (1 + 0)/2 and (6 + 2)/2, (1/2 - 1)/2 and (4 + 0)/2
    assert [m.credit for m in episodes[0].messages] == [-0.5 + 0.5 * 4, 4.0, 1.0]
    assert [m.credit for m in episodes[1].messages] == [0.25 + 0.5 * 2, 2.5, -1.0]
    assert all(sum(episode.outcome.values()) == 0 for episode in episodes)
    batch = collate(samples_of(episodes))
    advantage_BT = find_algorithm("lsp").advantages(batch)
    advantage_B = [float(row[mask][0]) for row, mask in zip(advantage_BT, batch.mask_BT, strict=True)]
    # A_Sol = (R + Q/2) - mean over the panel; A_Ch = (-V + V_Q/2) - mean over the queries, (1.5 + 1.25)/2
    assert advantage_B == pytest.approx([0.125, 1.5, -1.5, -0.125, 1.75, -1.75])
    row = episode_metrics(episodes)
    assert row["solver/instruction/quality_mean"] == 4.0
    assert row["solver/instruction/quality/ok"] == 3
    assert "challenger/instruction/quality_mean" not in row


def test_an_unbound_judge_is_one_sentence(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(UsageError, match=r"judge='self' .* `selfplay train` .*Referee\(judges="):
        played(tokenizer, Referee("process"))


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    model = build_model()
    model.config.max_position_embeddings = 4096
    model.save_pretrained(tmp_path / "model")
    build_tokenizer().save_pretrained(tmp_path / "model")
    return TrainConfig(
        model=str(tmp_path / "model"),
        games=(GameMix(env_id=JUDGED, kwargs={"attempts": 3}, fresh=2, replay=0, references=0),),
        steps=3,
        sampling=Sampling(max_new_tokens=4),
        learner=LearnerConfig(lr=3e-2, warmup_steps=0),
        sandbox="process",
        checkpoint_every=1,
        device="cpu",
    )


PROBE = (Message("user", "judge me"),)


def record_logprobs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, ...]]:
    """At each call of a judge, the log-probabilities with which its sampler answers a fixed prompt."""
    logprobs: list[tuple[float, ...]] = []
    score = SelfJudge.score

    def probe_and_score(self: SelfJudge, items: list[JudgeItem]) -> list[Any]:
        logprobs.append(probe(self.sampler))
        return score(self, items)

    monkeypatch.setattr(SelfJudge, "score", probe_and_score)
    return logprobs


def probe(sampler: Any) -> tuple[float, ...]:
    [[reply]] = sampler.generate([PROBE], Sampling(max_new_tokens=8), [(7,)])
    return reply.logprobs


@pytest.mark.parametrize(
    ("learner", "algorithm", "staleness"),
    [
        (LearnerConfig(lr=3e-2, warmup_steps=0), "reinforce", 0),
        (LearnerConfig(lr=3e-2, warmup_steps=0), "reinforce++", 1),
        (LearnerConfig(lr=3e-2, warmup_steps=0), "lsp", 0),
        (LearnerConfig(lr=5e-1, lora_rank=2, warmup_steps=0), "reinforce", 0),
        (LearnerConfig(lr=5e-1, lora_rank=2, warmup_steps=0, adapters="per-role"), "reinforce++", 1),
    ],
)
def test_the_judge_keeps_the_starting_weights_while_the_learner_moves(
    config: TrainConfig,
    tmp_path: Path,
    tokenizer: PreTrainedTokenizerFast,
    monkeypatch: pytest.MonkeyPatch,
    learner: LearnerConfig,
    algorithm: str,
    staleness: int,
) -> None:
    at_start = probe(TransformersSampler(build_model(), tokenizer))
    recorded = record_logprobs(monkeypatch)
    config = replace(config, learner=learner, algorithm=algorithm, staleness=staleness)
    group = {"group_by": "role"} if algorithm == "lsp" else {}  # the toy proposer may never repeat a letter
    config = replace(config, options=group)
    train(replace(config, steps=2), tmp_path / "run")
    train(config, tmp_path / "run")  # a resumed run starts from weights that have moved already
    assert len(recorded) >= 3
    for logprobs in recorded:
        assert logprobs == pytest.approx(at_start, abs=1e-4)
    with open_run(config, tmp_path / "run", lambda event: None) as run:
        assert run.learner.policy_version == 3
        policy = run.sampler.with_adapter("solver") if learner.adapters == "per-role" else run.sampler
        moved = probe(policy)
        assert moved != pytest.approx(at_start, abs=1e-2)
    rows = read_rows(tmp_path / "run" / "metrics.jsonl")
    unread = ("solver/letters/quality/unreadable", "solver/letters/quality/cut_off")
    assert all(sum(row.get(name, 0) for name in unread) == row["solver/letters/count"] for row in rows)


def frozen_model(run: Any) -> PreTrainedModel:
    judge: Any = run.episodes.collector.referee.judges["self"]
    return judge.sampler.parent.model if hasattr(judge.sampler, "parent") else judge.sampler.model


def test_there_is_never_a_second_copy_of_the_starting_weights(config: TrainConfig, tmp_path: Path) -> None:
    with open_run(replace(config, algorithm="lsp", schedule="frozen:proposer"), tmp_path / "a", lambda event: None) as run:
        assert run.learner.reference is not None
        with run.learner.reference.active() as reference:
            assert frozen_model(run) is reference
        assert run.episodes.collector.by_role["proposer"] is run.episodes.collector.referee.judges["self"].sampler  # type: ignore[attr-defined]
        assert frozen_model(run) is not run.learner.model
        assert not any(p.requires_grad for p in frozen_model(run).parameters())
    lora = replace(config, learner=LearnerConfig(lora_rank=2))
    with open_run(lora, tmp_path / "b", lambda event: None) as run:
        assert frozen_model(run) is run.learner.model


def test_a_judge_is_bound_only_where_it_is_asked(config: TrainConfig, tmp_path: Path) -> None:
    plain = GameMix(env_id=CHALLENGE, kwargs={"attempts": 2, "style": "terse"}, fresh=1, replay=0, references=0)
    weighed = replace(plain, kwargs={**plain.kwargs, "quality_weight": 1.0})
    asked = [*(replace(config, games=(mix,)) for mix in (plain, weighed)), replace(config, games=(plain,), judge="self")]
    asked += [find_preset("lsp-3b"), find_preset("lsp-tiny")]
    assert [asks_self(one, check_run(one).games.values()) for one in asked] == [False, True, True, True, False]
    run = open_run(replace(config, games=(plain,)), tmp_path / "run", lambda event: None)
    with run as opened, pytest.raises(UsageError, match="judge='self'"):
        opened.episodes.collector.referee.judges["self"]


def test_a_run_can_take_itself_for_the_environments_own_judge(config: TrainConfig, tmp_path: Path) -> None:
    with open_run(replace(config, judge="self"), tmp_path / "run", lambda event: None) as run:
        own = run.episodes.collector.referee.judges[""]
        assert isinstance(own, CriteriaShare)
        assert own.judge is run.episodes.collector.referee.judges["self"]
        assert run.episodes.collector.referee.backend["judge"] == "self"


def test_as_the_environments_own_judge_it_gives_shares_so_that_nobody_gains_by_asking_nonsense() -> None:
    """A request answered with 6 of 7 costs its challenger 6/7, a malformed one costs 1; all seven met is solved."""
    replies = iter(["<score>6</score>", "<score>7</score>", "none"])
    judge = CriteriaShare(SelfJudge(ScriptedSampler(lambda prompt, seed: next(replies))))
    item = JudgeItem(messages=(Message("user", "say a"),), answers=("a", "b", "c"))
    assert judge.score([item]) == [Score(values=(6 / 7, 1.0, 0.0), reason="unreadable")]


def test_it_compares_two_answers_too() -> None:
    request = (Message("user", "say red"),)
    judge = saying("<choice>A</choice>")
    assert judge.compare([Pair(request, "red", "blue")]) == [Preference("first")]
    assert saying("well").compare([Pair(request, "red", "blue")]) == [Preference("", "unreadable")]


def test_what_is_opened_on_use_is_opened_once_and_only_then() -> None:
    opened: list[SelfJudge] = []

    def open_it() -> SelfJudge:
        opened.append(saying("<score>3</score>"))
        return opened[-1]

    judge = SelfOnUse(open_it)
    assert not opened
    assert judge.score([item("red")])[0].values == (3.0,)
    assert judge.compare([Pair((Message("user", "a"),), "b", "c")])[0].reason == "unreadable"
    assert judge.score([item("blue")])[0].values == (3.0,)
    assert len(opened) == 1
