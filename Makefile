# make demo    core install, render a demo subject, score a visit, then both and their change
# make test    all tests        make check    all static checks
.PHONY: demo test check clean core dev

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Releases that the checks and tests were run with; any release in pyproject.toml's ranges serves users.
TORCH := torch==2.14.1 torchvision==0.29.1

core: $(VENV)/.core
dev: $(VENV)/.dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml
	$(PIP) install --quiet --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install --quiet $(TORCH)
	$(PIP) install --quiet --editable '.[train,raw,notebooks,dev]'
	touch $@

DEMO := demo
demo: core
	$(BIN)/oral-lesion phantom $(DEMO)/photos --subjects 1 --visits 2 --sites buccal-left,tongue-ventral,palate-hard --seed 3 --overwrite
	$(BIN)/oral-lesion score $(DEMO)/photos/phantom-01/week-00 -o $(DEMO)/scores/week-00 --overwrite
	$(BIN)/oral-lesion study $(DEMO)/photos -o $(DEMO)/study --overwrite
	@echo "Tables and pictures of one visit are in $(DEMO)/scores, change and figures in $(DEMO)/study; the true areas are in $(DEMO)/photos/truth.csv"

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m numpydoc lint $(shell git ls-files 'src/*.py' ':!src/oral_lesion/cli')

test: dev
	OMP_NUM_THREADS=1 NO_ALBUMENTATIONS_UPDATE=1 $(BIN)/python -m pytest -n 2

clean:
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
