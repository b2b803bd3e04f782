"""The instruction challenge and its rules judge: credits against hand-computed tables (LSP-Zero: R, and -V)."""

import pytest

from selfplay_envs import JudgeItem, Message, Referee, Reply, Start, UsageError, play_episode
from selfplay_envs.judges import RulesJudge, open_judge
from selfplay_envs.judges.rules import parse_instruction
from selfplay_envs.parsing import fence


def played(challenge, answers, options=None):
    def act(asks):
        return [Reply(text=challenge if ask.slot.role == "challenger" else answers[ask.slot.attempt]) for ask in asks]

    kwargs = {"attempts": max(1, len(answers)), "style": "terse"}
    return play_episode(Start("SelfPlay/InstructionChallenge-v0", 0, kwargs, options or {}), act, Referee())


def test_credits_are_r_for_solvers_and_minus_v_for_the_challenger():
    challenge = fence("instruction", "use exactly 3 words; include the word red")
    answers = [fence("answer", text) for text in ("a red fox", "red", "one two three", "no")]
    episode = played(challenge, answers)
    # 2 of 2 clauses, 1 of 2, 1 of 2, 0 of 2: V = (1 + 0.5 + 0.5 + 0) / 4
    assert [m.credit for m in episode.messages] == [-0.5, 1.0, 0.5, 0.5, 0.0]
    assert sum(episode.outcome.values()) == 0
    assert episode.outcome["challenger", 0] == -0.5
    assert episode.proposed == {"instruction": "use exactly 3 words; include the word red"}


def test_a_malformed_answer_costs_more_than_a_bad_one():
    episode = played(fence("instruction", "use only lowercase"), ["no block", fence("answer", "Upper")])
    assert [m.credit for m in episode.messages] == [0.0, -1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "no_instruction_block"),
        (fence("instruction", "  "), "no_instruction_block"),
        (fence("instruction", "prove the Riemann hypothesis"), "unknown_clause"),
        (fence("instruction", ";;"), "no_clause"),
        (fence("instruction", "include the word red; avoid the letter r"), "contradiction"),
        (fence("instruction", "use exactly 1 word; use exactly 2 words"), "contradiction"),
        (fence("instruction", "use exactly 1 word; include the word a; include the word b"), "contradiction"),
        (fence("instruction", "use only lowercase; use only lowercase"), "repeated_clause"),
        (fence("instruction", "; ".join(f"include the word {c}" for c in "abcdefghi")), "too_many_clauses"),
        (fence("instruction", "use only lowercase" + " " * 3000 + "."), "instruction_too_long"),
    ],
)
def test_an_unscorable_instruction_is_refused(text, reason):
    episode = played(text, [])
    assert episode.messages[0].verdict.reason == reason
    assert episode.messages[0].credit == -1.0
    assert sum(episode.outcome.values()) == 0


@pytest.mark.parametrize(
    ("clause", "good", "bad"),
    [
        ("use exactly 2 words", "two words", "three words here"),
        ("include the word red", "a Red car", "a reddish car"),
        ("avoid the letter e", "wow", "Eve"),
        ("start with the word go", "Go on", "let go"),
        ("end with the word go", "let's go!", "go on"),
        ("use only lowercase", "abc!", "aBc"),
        ("use only uppercase", "ABC!", "aBC"),
    ],
)
def test_each_clause_accepts_and_refuses(clause, good, bad):
    item = JudgeItem(messages=(Message("user", clause),), answers=(good, bad, "", "x" * 10_000))
    assert RulesJudge().score([item])[0].values == (1.0, 0.0, 0.0, 0.0)


def test_clauses_are_read_in_any_case_and_with_a_full_stop():
    assert not isinstance(parse_instruction("Use EXACTLY 2 words; Use only lowercase."), str)


def test_a_task_in_the_options_starts_at_the_solvers():
    episode = played("", [fence("answer", "abc")], {"task": {"instruction": "use only lowercase"}})
    assert [m.credit for m in episode.messages] == [1.0]
    with pytest.raises(UsageError, match="instruction"):
        played("", [], {"task": {"question": "?"}})


def test_an_unknown_judge_gets_one_clear_sentence():
    with pytest.raises(UsageError, match=r"judge='oracle' is not registered; choose one of rules"):
        open_judge("oracle")
