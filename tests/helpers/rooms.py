"""The rooms of the three packages: what belongs in each folder, and which rooms it may import. `tests/test_layers.py` reads it.

The sentence is also the docstring of the folder's `__init__.py`, which holds nothing else. Rooms of the same package are named
without it (`core`), other packages whole (`sandboxes`). A package's own folder holds the roof: modules that no room imports and
that may import every room.
"""

from __future__ import annotations

from typing import NamedTuple


class Room(NamedTuple):
    """One folder of a package."""

    sentence: str
    imports: tuple[str, ...] = ()


PACKAGES = ("sandboxes", "selfplay_envs", "agents")
"""In the order of the arrow: each may import those before it."""

MAY_NAME = {
    "torch": ("agents",),
    "transformers": ("agents",),
    "peft": ("agents",),
    "vllm": ("agents/samplers/vllm",),
    "ray": ("agents/cluster",),
    "openai": ("agents/samplers",),
    "rich": ("agents/display", "agents/cli", "agents/arguments", "agents/duels"),
    "matplotlib": ("agents/display", "agents/reports"),
    "jinja2": ("agents/reports",),
    "scipy": ("agents/analysis", "agents/experiments"),
    "docker": ("sandboxes/backends",),
    "gymnasium": ("selfplay_envs",),
    "pettingzoo": ("selfplay_envs/views", "selfplay_envs/conformance"),
    "langdetect": ("selfplay_envs/checks/ifeval",),
    "nltk": ("selfplay_envs/checks/ifeval",),
    "punkt": ("selfplay_envs/checks/ifeval",),
    "math_verify": ("selfplay_envs/verifiers/inside",),
    "reasoning_gym": ("selfplay_envs/sources", "selfplay_envs/verifiers/inside"),
    "datasets": ("selfplay_envs/sources",),
    "huggingface_hub": ("selfplay_envs/sources", "agents"),
    "pyarrow": ("selfplay_envs/sources",),
}
"""Distributions that only these folders, and those inside them, may import or load by name."""

LIGHT = {
    "sandboxes": ("torch", "docker", "numpy", "gymnasium"),
    "selfplay_envs": ("torch", "docker", "transformers", "pettingzoo", "rich", "datasets", "pyarrow", "nltk", "langdetect"),
    "agents": ("torch", "transformers", "rich", "matplotlib", "sandboxes", "selfplay_envs"),
    "agents.config.run": ("torch", "transformers", "rich", "matplotlib"),
    "agents.config.presets": ("torch", "transformers", "rich", "matplotlib"),
    "agents.runs.metrics": ("torch", "transformers", "rich", "matplotlib"),
    "agents.runs.folder": ("torch", "transformers", "rich", "matplotlib"),
    "agents.display.memory": ("torch", "transformers", "matplotlib"),
    "agents.display.live": ("torch", "transformers", "matplotlib"),
    "agents.display.results": ("torch", "transformers", "matplotlib"),
    "agents.display.grid": ("torch", "transformers", "matplotlib"),
    "agents.experiments.designs.azr": ("torch", "transformers", "rich", "matplotlib"),
    "agents.experiments.results": ("torch", "transformers", "rich", "matplotlib"),
    "agents.display.plots": ("torch", "transformers", "matplotlib"),
    "agents.cli.main": ("torch", "transformers", "rich", "matplotlib", "sandboxes", "selfplay_envs"),
}
"""Modules, and what importing them must not load."""

STANDARD_LIBRARY_ONLY = ("sandboxes/protocol", "sandboxes/worker")
"""Folders whose modules run in the other process of a sandbox."""

MAX_MODULES = 15
"""The program has one module per verb, which no other split of it would make easier to find."""
MAX_LINES = 250
MAX_BODY_LINES = 45
"""Of a function, without its docstring."""

ROOMS = {
    "sandboxes": Room("", ("backends", "core", "monty", "pool", "protocol", "purity")),
    "sandboxes/core": Room("The records that cross the seam of a sandbox, its protocols, caps on jobs, counters and errors."),
    "sandboxes/protocol": Room(
        "The common language of host and worker: values as text, frames of bytes, quiet parsing. Standard library only."
    ),
    "sandboxes/worker": Room(
        "The program in the other process, which forks, isolates and runs. Shipped as source: standard library only.",
        ("protocol",),
    ),
    "sandboxes/pool": Room(
        "From jobs to frames, from frames to workers, from replies to outcomes.", ("core", "protocol", "purity")
    ),
    "sandboxes/backends": Room(
        "Starts and stops one worker, as a process or in a container, with the packages that it finds there.", ("core",)
    ),
    "sandboxes/monty": Room(
        "The fast interpreter in front of another sandbox, and which programs it may answer.", ("core", "protocol")
    ),
    "sandboxes/purity": Room(
        "Proofs by reading a program: that its calls cannot meet, and that they return the same every time.",
        ("core", "protocol"),
    ),
    "selfplay_envs": Room("", ("core", "names", "play", "replies", "rewards", "sandboxes", "tasks", "verifiers")),
    "selfplay_envs/core": Room(
        "The game protocol and its records: messages, verdicts, episodes, spaces, errors.", ("sandboxes",)
    ),
    "selfplay_envs/names": Room(
        "Things by name: registries, `module:NAME`, options in a text, and the ids of games.", ("core",)
    ),
    "selfplay_envs/replies": Room(
        "Reads a player's text: the thought, the answer, tags and fenced blocks. Linear time, never raises.", ("core",)
    ),
    "selfplay_envs/tasks": Room(
        "Tasks as data: programs as text (never run), code tasks, and the buffer that keeps them.", ("core",)
    ),
    "selfplay_envs/verifiers": Room(
        "Checks of answers by running programs: generators that yield sandbox jobs and return a finding.",
        ("core", "names", "replies", "sandboxes", "tasks"),
    ),
    "selfplay_envs/verifiers/inside": Room(
        "Programs that verifiers put in front of a tested program; they run in the sandbox and are read as text here."
    ),
    "selfplay_envs/verifiers/answers": Room(
        "Verifiers of fixed problems by name: how an answer is found in a reply, how it is judged, and what the gold reply is.",
        ("checks/ifeval", "core", "names", "replies", "sandboxes", "tasks", "verifiers", "verifiers/reference"),
    ),
    "selfplay_envs/verifiers/reference": Room(
        "Programs judged by a reference program on given inputs: its outputs, which are kept, and how values are compared.",
        ("core", "sandboxes", "tasks", "verifiers"),
    ),
    "selfplay_envs/checks": Room("Checks of answers that only read text; judges and verifiers may both use them."),
    "selfplay_envs/checks/ifeval": Room(
        "The 25 verifiable instructions of IFEval: how each is written, read, checked, and which of them go together.",
        ("core",),
    ),
    "selfplay_envs/judges": Room(
        "Judges that need no model, and the table in which judges are found.", ("checks", "checks/ifeval", "core", "names")
    ),
    "selfplay_envs/rewards": Room(
        "Proposer rewards for a solve rate, terms that a batch adds to a message's credit, and control arms.",
        ("core", "names", "tasks"),
    ),
    "selfplay_envs/sources": Room(
        "Where fixed problems come from: files, hubs and generators, read row by row and checked as they are read.",
        ("core", "names", "tasks", "verifiers/answers"),
    ),
    "selfplay_envs/benchmarks": Room(
        "Public benchmarks by name: facts, and how a row of each becomes a problem.", ("core", "replies", "sources", "tasks")
    ),
    "selfplay_envs/games": Room("Bases of games: prompt styles, and one proposal that a panel answers.", ("core", "replies")),
    "selfplay_envs/games/code": Room(
        "Deduction, abduction and induction: a proposer writes programs, a panel solves them.",
        ("core", "games", "replies", "rewards", "tasks", "verifiers"),
    ),
    "selfplay_envs/games/dataset": Room(
        "Fixed problems, such as a benchmark's, as a game of one role.",
        ("core", "games/code", "replies", "sources", "tasks", "verifiers", "verifiers/answers"),
    ),
    "selfplay_envs/games/questions": Room(
        "Games of an instruction or a question that a panel answers and a judge scores.",
        ("checks/ifeval", "core", "games", "replies"),
    ),
    "selfplay_envs/games/zero_sum": Room(
        "Games of players against each other, whose payoffs add up to zero.", ("core", "games", "replies")
    ),
    "selfplay_envs/play": Room(
        "Drives games: matches, episodes, the referee that answers their requests, replay.",
        ("core", "judges", "names", "sandboxes", "tasks", "verifiers"),
    ),
    "selfplay_envs/views": Room("The gymnasium, vector and PettingZoo faces of a match.", ("core", "judges", "names", "play")),
    "selfplay_envs/conformance": Room(
        "Promises of every registered game, as checks for the command line and for pytest.",
        ("core", "names", "play", "replies", "views"),
    ),
    "agents": Room(
        "",
        (
            "algorithms",
            "batching",
            "cli",
            "config",
            "core",
            "evaluation",
            "judges",
            "learner",
            "models",
            "rollouts",
            "runs",
            "samplers",
            "sandboxes",
            "selfplay_envs",
            "training",
        ),
    ),
    "agents/core": Room("Errors, seeds by name, and files that are written whole."),
    "agents/config": Room("Settings of a run as frozen records, presets and their checks. No torch.", ("selfplay_envs",)),
    "agents/hardware": Room(
        "This machine: its processor, memory and threads, and which short cuts pay on it.", ("config", "core", "kernels")
    ),
    "agents/tiny": Room("The tiny laboratory model: its weights, its programs and its demonstrations.", ("selfplay_envs",)),
    "agents/kernels": Room(
        "Single torch functions that are faster or smaller than torch's own; some change a model's layers.", ("config",)
    ),
    "agents/batching": Room(
        "From episodes to tensors: batches, groups, rows that share a prompt, micro-batches.", ("kernels", "selfplay_envs")
    ),
    "agents/models": Room(
        "One transformers model: loading, chat templates, adapters, the frozen reference, log-probabilities.",
        ("batching", "config", "core", "hardware", "kernels", "selfplay_envs", "tiny"),
    ),
    "agents/algorithms": Room(
        "The mathematics: advantages, losses, KL, filters as pure functions, and the table of algorithms made of them.",
        ("batching", "config", "selfplay_envs"),
    ),
    "agents/learner": Room(
        "Everything between a batch and changed weights; knows no sampler and no game.",
        ("algorithms", "batching", "config", "core", "hardware", "kernels", "models"),
    ),
    "agents/decoding": Room(
        "One token after another from a transformers model: the loop, its cache, the draw of a token.", ("config", "kernels")
    ),
    "agents/samplers": Room(
        "Prompts in, replies out: the protocol of samplers, their table, and those without an engine of their own.",
        ("config", "core", "decoding", "hardware", "models", "selfplay_envs"),
    ),
    "agents/samplers/vllm": Room(
        "The sampler on vLLM: an engine in a process of its own, its supervisor and its weights.",
        ("config", "core", "hardware", "models", "samplers", "selfplay_envs"),
    ),
    "agents/judges": Room(
        "Judges that hold a model or a connection, those that compare, and which of them a run binds.",
        ("config", "core", "models", "samplers", "selfplay_envs"),
    ),
    "agents/rollouts": Room(
        "Plays episodes with samplers: the collector, its lanes, and the curriculum of tasks.",
        ("config", "core", "samplers", "selfplay_envs", "tiny"),
    ),
    "agents/evaluation": Room(
        "pass@k on fixed tasks, win rates by judges, and the statistics of a difference.",
        ("config", "core", "judges", "rollouts", "runs", "samplers", "selfplay_envs", "tiny"),
    ),
    "agents/runs": Room(
        "Files of a run's folder: rows, metrics, timings, trackers, events, the lock. No torch.",
        ("config", "core", "sandboxes", "selfplay_envs"),
    ),
    "agents/training": Room(
        "The training loop, its state, its assembly, checkpoints, failures, weights to samplers.",
        (
            "algorithms",
            "batching",
            "config",
            "core",
            "evaluation",
            "hardware",
            "judges",
            "learner",
            "models",
            "rollouts",
            "runs",
            "samplers",
            "samplers/vllm",
            "sandboxes",
            "selfplay_envs",
        ),
    ),
    "agents/memory_plan": Room(
        "Plans the memory of a run, and which GPU it fits, before anything is loaded.",
        ("config", "core", "hardware", "samplers/vllm", "selfplay_envs", "tiny", "training"),
    ),
    "agents/analysis": Room(
        "Questions asked of finished runs, samples and checkpoints: pure functions that return frozen results.",
        (
            "config",
            "evaluation",
            "runs",
            "selfplay_envs",
        ),
    ),
    "agents/analysis/answers": Room(
        "Right and wrong answers of arms, whoever sampled them: pass@k with intervals, its crossover, solved sets.",
        (
            "analysis",
            "evaluation",
            "selfplay_envs",
        ),
    ),
    "agents/analysis/curriculum": Room(
        "What proposers ask over training: how valid, long, hard and varied it is, and a sample of it solved anew.",
        ("analysis", "config", "core", "evaluation", "runs", "samplers", "selfplay_envs", "tiny"),
    ),
    "agents/analysis/entropy": Room(
        "How sure a model is of its next token: over training, token by token, and what an update makes of it.",
        (
            "algorithms",
            "analysis",
            "batching",
            "config",
            "core",
            "evaluation",
            "learner",
            "models",
            "runs",
            "samplers",
            "selfplay_envs",
        ),
    ),
    "agents/analysis/stability": Room(
        "Whether a run stays healthy: rewards, KL, lengths, validity by role over steps; alarms with step and reason.",
        ("analysis", "runs", "selfplay_envs"),
    ),
    "agents/analysis/weights": Room(
        "What training changed: two or three checkpoints of anybody's, weight by weight, read in slices.",
        ("core", "models", "runs", "tiny"),
    ),
    "agents/experiments": Room(
        "Several runs under one budget: arms, seeds, cells, and the claims that they decide.",
        ("config", "core", "runs", "selfplay_envs", "tiny"),
    ),
    "agents/experiments/designs": Room(
        "The experiments that come with the package: arms, budgets and problems of each, and the table of them.",
        ("config", "experiments"),
    ),
    "agents/experiments/findings": Room(
        "What an experiment found: its arms beside the base, and the claims that this decides.",
        (
            "analysis",
            "analysis/answers",
            "analysis/curriculum",
            "analysis/entropy",
            "analysis/stability",
            "analysis/weights",
            "core",
            "evaluation",
            "experiments",
            "selfplay_envs",
        ),
    ),
    "agents/reports": Room(
        "Pages and pictures made of results; computes nothing.",
        (
            "analysis",
            "analysis/answers",
            "analysis/curriculum",
            "analysis/entropy",
            "analysis/stability",
            "analysis/weights",
            "core",
        ),
    ),
    "agents/reports/experiment": Room(
        "The page of an experiment, a module per part of it.",
        (
            "analysis",
            "analysis/answers",
            "analysis/curriculum",
            "analysis/entropy",
            "analysis/stability",
            "analysis/weights",
            "experiments",
            "experiments/findings",
            "reports",
            "runs",
            "tiny",
        ),
    ),
    "agents/display": Room(
        "Everything a person sees: live screen, tables, plots, episodes, a seat at the table. No torch.",
        ("config", "core", "evaluation", "experiments", "memory_plan", "runs", "sandboxes", "selfplay_envs"),
    ),
    "agents/arguments": Room(
        "Command lines made into configs, models and games.",
        ("config", "evaluation", "judges", "learner", "models", "runs", "samplers", "selfplay_envs", "tiny"),
    ),
    "agents/duels": Room(
        "Win rates, `selfplay eval --against`: models are asked, a judge compares their answers, wins are counted.",
        ("arguments", "display", "evaluation", "judges", "samplers", "selfplay_envs"),
    ),
    "agents/cli": Room(
        "The program `selfplay`, one module per verb.",
        (
            "algorithms",
            "arguments",
            "batching",
            "config",
            "core",
            "display",
            "duels",
            "evaluation",
            "experiments",
            "experiments/designs",
            "hardware",
            "memory_plan",
            "models",
            "runs",
            "samplers",
            "sandboxes",
            "selfplay_envs",
            "tiny",
            "training",
        ),
    ),
    "agents/cli/solving": Room(
        "Samples of proposals solved anew by the models of runs, one model at a time, for whoever asks what proposers ask.",
        ("analysis/curriculum", "arguments", "config", "display", "selfplay_envs"),
    ),
    "agents/cli/analyses": Room(
        "The questions of `selfplay analyze`, one module each, and the report that answers all of them.",
        (
            "analysis",
            "analysis/answers",
            "analysis/curriculum",
            "analysis/entropy",
            "analysis/stability",
            "analysis/weights",
            "arguments",
            "batching",
            "cli/solving",
            "config",
            "core",
            "display",
            "evaluation",
            "experiments",
            "experiments/findings",
            "reports",
            "reports/experiment",
            "runs",
            "selfplay_envs",
        ),
    ),
    "agents/cli/analyses/curriculum": Room(
        "A question of `selfplay analyze`: what proposers ask. Its options and its tables.",
        (
            "analysis",
            "analysis/curriculum",
            "arguments",
            "cli/analyses",
            "cli/solving",
            "core",
            "display",
            "evaluation",
            "reports",
            "selfplay_envs",
        ),
    ),
}
