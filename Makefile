# make demo    core install, render a demo subject, score a visit, then both and their change, then replicates and their repeatability
# make test    all tests        make check    all static checks, the documentation among them
# make docs    the documentation as a site: build/site/index.html
.PHONY: demo demo-repeatability test check docs clean core dev

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
	$(PIP) install --quiet --editable '.[train,raw,notebooks,docs,scale,dev]'
	touch $@

DEMO := demo
demo: core
	$(BIN)/oral-lesion phantom $(DEMO)/photos --subjects 1 --visits 2 --sites buccal-left,tongue-ventral,palate-hard --seed 3 --overwrite
	$(BIN)/oral-lesion score $(DEMO)/photos/phantom-01/week-00 -o $(DEMO)/scores/week-00 --overwrite
	$(BIN)/oral-lesion study $(DEMO)/photos -o $(DEMO)/study --overwrite
	$(MAKE) --no-print-directory demo-repeatability
	@echo "Tables and pictures of one visit are in $(DEMO)/scores, change and figures in $(DEMO)/study, repeatability in $(DEMO)/repeatability; the true areas are in $(DEMO)/photos/truth.csv"

# Each site photographed twice: the same erosions under another tilt and light, as buccal-left-1.jpg and buccal-left-2.jpg.
demo-repeatability: core
	rm -rf $(DEMO)/replicates
	for photo in 1 2; do \
	    light=$$([ $$photo = 1 ] && echo daylight || echo cool-flash); \
	    $(BIN)/oral-lesion phantom $(DEMO)/replicates-$$photo --subjects 4 --visits 1 --sites buccal-left --width 1000 --seed 3 \
	        --tilt $$((6 * photo)) --light $$light --overwrite || exit 1; \
	    for visit in $(DEMO)/replicates-$$photo/phantom-*/week-00; do \
	        place=$(DEMO)/replicates/$$(basename $$(dirname $$visit))/week-00; \
	        mkdir -p $$place && cp $$visit/buccal-left.jpg $$place/buccal-left-$$photo.jpg || exit 1; \
	    done; \
	done
	$(BIN)/oral-lesion repeatability $(DEMO)/replicates -o $(DEMO)/repeatability --overwrite

check: dev docs
	$(BIN)/python scripts/check_links.py
	$(BIN)/python scripts/check_spelling.py
	@$(BIN)/codespell $(shell git ls-files)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m numpydoc lint $(shell git ls-files 'src/*.py' ':!src/oral_lesion/cli')

# Every warning is a fault: dead links and anchors, pages in no menu, docstrings that cannot be read.
docs: dev
	$(BIN)/python -m sphinx -E -W --keep-going -q -j 2 -b html -d build/site-trees docs build/site

test: dev
	OMP_NUM_THREADS=1 NO_ALBUMENTATIONS_UPDATE=1 $(BIN)/python -m pytest -n 2

clean:
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
