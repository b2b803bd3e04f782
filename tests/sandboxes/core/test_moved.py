"""Old names of modules, which users may import and saved texts may hold."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

import agents
import selfplay_envs
from sandboxes.core.moved import MovedModules, finder_of

OLD_MODULES = [
    ("agents.losses", "policy_gradient", "agents.algorithms.losses"),
    ("agents.metrics", "read_rows", "agents.runs.rows"),
    ("selfplay_envs.parsing", "read_reply", "selfplay_envs.replies.parsing"),
    ("selfplay_envs.gym_view", "SelfPlayEnv", "selfplay_envs.views.gymnasium_env"),
    ("selfplay_envs.games.kuhn", "KuhnPoker", "selfplay_envs.games.zero_sum.kuhn"),
]
OLD_FOLDERS = [
    ("agents.config", "TrainConfig", "agents.config.run"),
    ("agents.algorithms", "find_algorithm", "agents.algorithms.table"),
    ("selfplay_envs.games.code", "Abduction", "selfplay_envs.games.code.abduction"),
    ("selfplay_envs.judges", "open_judge", "selfplay_envs.judges.registry"),
]


@pytest.mark.parametrize(("old", "name", "new"), OLD_MODULES)
def test_an_old_module_holds_what_the_new_one_holds_and_warns(old: str, name: str, new: str) -> None:
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} has moved; import {new}"):
        module = importlib.import_module(old)
    assert getattr(module, name) is getattr(importlib.import_module(new), name)


@pytest.mark.parametrize(("folder", "name", "new"), OLD_FOLDERS)
def test_a_folder_of_the_name_of_an_old_module_hands_on_what_that_held(folder: str, name: str, new: str) -> None:
    module = importlib.import_module(folder)
    with pytest.warns(DeprecationWarning, match=f"{folder}.{name} has moved; import it from {new}"):
        value = getattr(module, name)
    assert value is getattr(importlib.import_module(new), name)


def test_a_folder_has_no_other_names_and_its_modules_need_no_warning() -> None:
    with pytest.raises(AttributeError, match=r"module 'agents\.config' has no attribute 'nothing'"):
        _ = importlib.import_module("agents.config").nothing
    from agents.algorithms import advantages

    assert advantages.__name__ == "agents.algorithms.advantages"


def test_every_old_name_has_a_home() -> None:
    finders = [finder for finder in sys.meta_path if isinstance(finder, MovedModules)]
    finders.append(finder_of("agents", agents._MOVED))
    assert len(finders) == 3
    for finder in finders:
        for old, homes in finder.homes.items():
            for home in homes:
                module, _, name = home.rpartition("=")[2].partition(":")
                assert hasattr(importlib.import_module(module), name or "__name__"), f"{old}: {home}"


SPREAD = [
    ("agents.losses", "k1 k2 k3 KL_ESTIMATORS clipped_surrogate"),
    ("agents.sampler", "Sampler ScriptedSampler TransformersSampler Prompt end_ids render_prompt pick_tokens"),
    ("agents.metrics", "read_rows episode_metrics"),
    ("agents.evaluate", "evaluate EvalResult pass_at_k"),
    ("agents.cli.results", "compare print_comparison"),
    ("selfplay_envs.game", "Game Judge Message Slot short_hash no_requests"),
    ("selfplay_envs.records", "Episode Played Reply"),
    ("selfplay_envs.findings", "Finding RIGHT"),
    ("selfplay_envs.verify", "check_tasks check_input"),
    ("sandboxes.literals", "canonical same_value parse_literal"),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("old", "names"), SPREAD)
def test_names_of_one_old_module_are_found_wherever_they_lie_now(old: str, names: str) -> None:
    module = importlib.import_module(old)
    assert [name for name in names.split() if not hasattr(module, name)] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("folder", "names"),
    [("selfplay_envs.play", "Match Start Ask play_episodes"), ("selfplay_envs.tasks", "CodeTask read_azr_tasks")],
)
def test_names_of_an_old_module_that_is_a_folder_now(folder: str, names: str) -> None:
    module = importlib.import_module(folder)
    assert all(getattr(module, name) for name in names.split())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_functions_of_the_package_are_not_hidden_by_old_modules_of_their_names() -> None:
    importlib.import_module("agents.train")
    importlib.import_module("agents.evaluate")
    assert agents.train.__qualname__ == "train"
    assert agents.evaluate.__qualname__ == "evaluate"


@pytest.mark.parametrize(("old", "new"), [("Ask", "PendingPrompt"), ("Played", "Turn"), ("Finding", "Checking")])
def test_old_public_names_are_deprecated(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"selfplay_envs.{old} is now {new}"):
        assert getattr(selfplay_envs, old) is getattr(selfplay_envs, new)


def test_public_names_are_there() -> None:
    for package in (agents, selfplay_envs):
        assert all(hasattr(package, name) for name in package.__all__)
