"""`selfplay check`: a line per check; legal moves are met, or their absence is a failure."""

import json
from pathlib import Path

import pytest

from agents.cli.main import main
from selfplay_envs.replies.parsing import fence
from tests.helpers.program import CHEATING_GAME, refused

CHAIN = '''
import random
from selfplay_envs import Game, Message, Slot, Verdict, no_requests, register_game
from selfplay_envs.replies.parsing import bodies


class Chain(Game):
    """Six words, each of which begins with the last letter of the one before; drawn credit, and debts."""

    roles = ("first", "second")

    def reset(self, rng, options):
        self.words, self.over = [], False

    def pending(self):
        turn = len(self.words)
        return () if self.over or turn == 6 else (Slot(self.roles[turn % 2], 0, turn),)

    def prompt(self, slot):
        return (Message("user", " ".join(self.words) or "begin"),)

    def judge(self, slot, text, finish_reason):
        word = (bodies(text, "word") or [""])[-1]
        legal = bool(word) and (not self.words or word[0] == self.words[-1][-1])
        score = random.random() if legal else 0.0
        return no_requests(Verdict(valid=legal, reason="ok" if legal else "illegal", score=score, data={"word": word}))

    def apply(self, slot, text, verdict):
        if verdict.valid:
            self.words.append(verdict.data["word"])
        self.over = not verdict.valid
        if self.over or len(self.words) == 6:
            self.credit[slot] = 1.0  # and the messages before it are owed theirs


register_game("Theirs/Chain-v0", "bad_chain:Chain")
'''


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "bad_chain.py").write_text(CHAIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return "bad_chain:Theirs/Chain-v0"


def test_check_prints_a_line_per_check(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "SelfPlay/KuhnPoker-v0", "--attempts", "2"]) == 0
    shown = capsys.readouterr().out
    assert "attempts=2" in shown
    assert "ok   determinism" in shown
    assert "checks hold" in shown


def test_check_fails_on_a_game_that_breaks_its_promise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "cheating_game.py").write_text(CHEATING_GAME)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["check", "cheating_game:Test/Cheat-v0", "--attempts", "1"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL credits_complete" in shown
    assert "does not sum to 0" in shown


def test_a_panel_without_attempts_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "attempts=0" in refused(capsys, "check", "KuhnPoker", "--attempts", "0")


def test_a_game_of_which_no_legal_move_was_met_does_not_pass(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", chain, "--attempts", "1"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "FAIL legal_moves no legal move was ever met in 12 episodes" in shown
    assert "Game.sample_action, or pass --moves FILE" in shown
    assert "12 of 13 checks hold." in shown


def test_with_a_file_of_moves_its_faults_come_out(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    moves = [{"role": role, "text": fence("word", word)} for role, word in (("first", "ab"), ("second", "ba"))]
    Path("moves.jsonl").write_text("".join(json.dumps(move) + "\n" for move in moves))
    assert main(["check", chain, "--attempts", "1", "--moves", "moves.jsonl"]) == 1
    shown = capsys.readouterr().out
    failed = {line.split()[1]: " ".join(line.split()[2:]) for line in shown.splitlines() if line.strip().startswith("FAIL")}
    assert "legal_moves" not in failed
    assert failed["global_random_untouched"].startswith("a global random state changed")
    assert "ended without credit for Slot(role='first', attempt=0, turn=0)" in failed["credits_complete"]
    assert "judge gave two verdicts on one message" in failed["judge_reads_only"]


def test_a_missing_file_of_moves_is_one_sentence(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", chain, "--moves", "none.jsonl"]) != 0
    assert "moves='none.jsonl' is not a file" in " ".join(capsys.readouterr().err.split())


def rows(folder: Path, *lines: dict[str, object]) -> str:
    path = folder / "sums.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


SUMS = [{"id": f"sum/{number}", "question": f"{number} + {number}?", "answer": 2 * number} for number in range(1, 6)]


def gold(*args: str) -> list[str]:
    return ["check", "SelfPlay/Dataset-v0", "--sandbox", "process", *args]


def test_gold_answers_of_a_source_hold(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(gold("--source", rows(tmp_path, *SUMS), "--verifier", "numeric", "--limit", "4")) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    [numbers] = [line.split() for line in shown.splitlines() if line.startswith("sums ")]
    assert numbers == ["sums", "4", "4", "0", "0", "0", "8", "0"]  # holds, fails, void, no gold, refused, right as well
    assert "All 4 gold answers hold" in shown


def test_what_does_not_hold_is_named_with_its_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    chats = [{"messages": [{"role": "user", "content": "Hi"}], "id": "chat/\x1b[2J"}]
    assert main(gold("--source", rows(tmp_path, *chats))) == 1
    shown = capsys.readouterr().out
    assert "no gold chat/\\x1b[2J" in shown
    assert "No gold answer was judged: no task has one." in shown
    source = rows(tmp_path, *SUMS)
    assert main(gold("--source", source, "--verifier", "tests.helpers.odd_verifiers:TakesAll")) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "fails sum/1 all 6 replies in the place of the gold one are right too" in shown
    assert "0 of 5 gold answers hold" in shown


def test_gold_answers_of_a_games_own_tasks_hold(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    task = {"program": "def f(x):\n    return x * 2", "inputs": ["3"], "outputs": ["6"]}
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps({"env_id": "SelfPlay/Abduction-v0", "task": task}) + "\n")
    assert main(["check", "Abduction", "--tasks", str(path), "--sandbox", "process"]) == 0
    assert "All 1 gold answers hold" in capsys.readouterr().out
    assert "holds no task of SelfPlay/Deduction-v0" in refused(capsys, "check", "Deduction", "--tasks", str(path))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("Dataset", "--verifier", "exact"), "verifier='exact' is for gold answers; name their --source"),
        (("Dataset", "--source", "none.jsonl", "--verifier", "exact"), "none.jsonl"),
        (("Dataset", "--source", "sample", "--limit", "-1"), "limit=-1 is no number of tasks"),
        (("Dataset", "--source", "sample", "--tasks", "a.jsonl"), "both name tasks"),
        (("Deduction", "--source", "sample"), "SelfPlay/Deduction-v0 takes no source; give its tasks as --tasks FILE"),
        (("Dataset", "--source", "sample", "--prompt", "{no}"), "shows 'no', which the problem lacks"),
    ],
)
def test_a_wrong_gold_check_is_one_sentence(args: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sentence in refused(capsys, "check", *args)
