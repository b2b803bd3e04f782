"""The halves of a code task."""

from selfplay_envs import CodeTask

TASK = CodeTask(program="def f(x): return x", inputs=("1", "2", "3"), outputs=("1", "2", "3"), message="What goes in.")


def test_the_smaller_half_is_shown_without_the_program_and_the_rest_hidden():
    assert TASK.shown == CodeTask(program="", inputs=("1",), outputs=("1",), message="What goes in.")
    assert TASK.hidden == CodeTask(program=TASK.program, inputs=("2", "3"), outputs=("2", "3"), message="What goes in.")
