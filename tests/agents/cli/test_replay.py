"""`selfplay replay`: reproduces every credit, or names what differs."""

from pathlib import Path

import pytest

from agents.cli.main import main
from selfplay_envs import Episode, Referee, ScriptedPlayer, Start, play_episode, write_episodes
from tests.helpers.program import refused


def kuhn_episode(actions: tuple[str, ...] = ("bet", "call")) -> Episode:
    player = ScriptedPlayer([f"```action\n{action}\n```" for action in actions])
    return play_episode(Start("SelfPlay/KuhnPoker-v0", 0, {}, {"task": {"cards": ["K", "J"]}}), player, Referee())


def test_replay_reproduces_every_credit(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    write_episodes(tmp_path / "e.jsonl", [kuhn_episode(), kuhn_episode(("check", "nonsense"))])
    assert main(["replay", str(tmp_path / "e.jsonl")]) == 0
    assert "Every credit reproduced: 2 episodes, 4 messages" in capsys.readouterr().out
    assert main(["replay", str(tmp_path / "e.jsonl"), "--rejudge", "--show", "1", "--sandbox", "process"]) == 0
    shown = capsys.readouterr().out
    assert "sandbox and judge asked again" in shown
    assert "Your card: K" in shown


def test_replay_names_what_was_tampered_with(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    path = tmp_path / "e.jsonl"
    write_episodes(path, [kuhn_episode()])
    path.write_text(path.read_text().replace('"credit": 2.0', '"credit": 20.0').replace('"second", 0, 1', '"second", 0, 1'))
    assert main(["replay", str(path)]) == 1
    shown = capsys.readouterr().out
    assert "credit: recorded 20.0, replayed 2.0" in shown
    assert "1 differences in 1 of 1 episodes" in shown
    path.write_text(path.read_text().replace('["second", 0, 1]', '["second", 0, 3]'))
    assert main(["replay", str(path)]) == 1
    assert "does not fit the game" in capsys.readouterr().out


def test_replay_refuses_missing_broken_and_empty_files(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "is not a file" in refused(capsys, "replay", str(tmp_path / "absent.jsonl"))
    (tmp_path / "broken.jsonl").write_text('{"env_id": 1}\n')
    assert "broken.jsonl:1 is not an episode" in refused(capsys, "replay", str(tmp_path / "broken.jsonl"))
    (tmp_path / "empty.jsonl").touch()
    assert "holds no episode" in refused(capsys, "replay", str(tmp_path / "empty.jsonl"))


def test_a_code_game_is_judged_again(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    replies = ["```python\ndef f(x):\n    return x + 1\n```\n```input\n2\n```", "```output\n3\n```"]
    start = Start("SelfPlay/Deduction-v0", 0, {"attempts": 1})
    write_episodes(tmp_path / "e.jsonl", [play_episode(start, ScriptedPlayer(replies), Referee("process"))])
    assert main(["replay", str(tmp_path / "e.jsonl"), "--rejudge", "--sandbox", "process"]) == 0
    assert "Every credit reproduced" in capsys.readouterr().out
    text = (tmp_path / "e.jsonl").read_text()
    (tmp_path / "e.jsonl").write_text(text.replace('"reason": "ok", "score": 1.0', '"reason": "ok", "score": 0.0'))
    assert main(["replay", str(tmp_path / "e.jsonl"), "--rejudge", "--sandbox", "process"]) == 1
    assert "message 1 verdict: recorded {'score': 0.0}, replayed {'score': 1.0}" in capsys.readouterr().out


def test_a_folder_is_replayed_file_by_file(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "episodes").mkdir()
    assert "without recorded episodes" in refused(capsys, "replay", str(tmp_path))
    for step in (1, 2):
        write_episodes(tmp_path / "episodes" / f"step_{step:06d}.jsonl", [kuhn_episode()])
    assert main(["replay", str(tmp_path)]) == 0
    assert "2 episodes, 4 messages" in capsys.readouterr().out
