# The one front door: people, CI and the README all call these targets.
# A machine needs Python 3.11 to 3.13, git and make; everything else is installed into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python here that is 3.11, 3.12 or 3.13; `make book PYTHON=...` says otherwise.
in_range = $(shell $(1) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $(1))
PYTHON ?= $(or $(call in_range,python3.13),$(call in_range,python3.12),$(call in_range,python3.11),$(call in_range,python3))

VENV ?= .venv
BIN := $(VENV)/bin
# Absolute, because some commands are run from other folders.
PY := $(abspath $(BIN))/python
READY := $(VENV)/.ready

# The kernels are the environment's own, whatever the user has registered elsewhere.
export JUPYTER_PREFER_ENV_PATH := 1
# TensorFlow's start-up lines say nothing that a reader can act on.
export TF_CPP_MIN_LOG_LEVEL := 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE := 1

# Two processes: this book is built for two cores. A file's tests stay in one of them.
PARALLEL ?= -n 2 --dist loadfile
# Each has one thread: with two, they would stand in each other's way.
ONE_THREAD := $(addsuffix =1,TF_NUM_INTRAOP_THREADS TF_NUM_INTEROP_THREADS OMP_NUM_THREADS OPENBLAS_NUM_THREADS)
# In the browser it is a page's tests that do: tests/browser/conftest.py says so.
PARALLEL_PAGES ?= -n 2
PORT ?= 8000

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */\1\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): requirements.txt pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "No Python 3.11, 3.12 or 3.13 found. Install one, or name it: make $(or $(MAKECMDGOALS),book) PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@$(PYTHON) scripts/environment.py $(VENV) "--requirement requirements.txt" \
	  "--no-deps --no-build-isolation --editable ."
	@touch $@

.PHONY: venv
venv: $(READY)  ## make the environment, .venv

.PHONY: book
book: $(READY)  ## build the book: _build/html/index.html
	@$(PY) scripts/make_book.py

.PHONY: chapter
chapter: $(READY)  ## run and build one chapter: make chapter NAME=real_nvp
	@if [ -z "$(NAME)" ]; then echo "Which one? make chapter NAME=real_nvp" >&2; exit 1; fi
	@$(PY) scripts/chapter.py $(NAME)

FIRST := change_of_variables

.PHONY: first
first:  ## run, build and open the first chapter: three minutes from a fresh clone
	@$(MAKE) --no-print-directory chapter NAME=$(FIRST)
	@$(PY) -m webbrowser -t "file://$(abspath _build/chapters/$(FIRST)/_build/html/book/$(FIRST).html)"

.PHONY: serve
serve: book  ## show the book at http://127.0.0.1:8000 (PORT=... for another)
	$(PY) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

.PHONY: test
test: $(READY)  ## all tests: the four below, and how each went
	@$(PY) scripts/parts.py "$(MAKE)" lint unit notebooks pages

.PHONY: lint
lint: $(READY)  ## lint and format, of modules and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: unit
unit: $(READY)  ## unit tests
	$(ONE_THREAD) $(PY) -m pytest $(PARALLEL) tests --ignore=tests/browser

.PHONY: notebooks
notebooks: $(READY)  ## every cell of every notebook in _toc.yml, by nbval
	$(ONE_THREAD) $(PY) -m pytest $(PARALLEL) --nbval-lax --nbval-current-env --nbval-cell-timeout=600 $$($(PY) scripts/chapters.py)

.PHONY: pages
pages: book  ## the built book in a browser
	$(PY) -m pytest $(PARALLEL_PAGES) tests/browser

.PHONY: claims
claims: $(READY)  ## the chapters' assertions on other processors, seeds and loads: hours; or NAME=vae
	$(PY) scripts/claims.py $(NAME)

.PHONY: format
format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: test-oldest
test-oldest:  ## unit tests on the oldest TensorFlow, 2.18, with Python 3.11
	@if [ -z "$(call in_range,python3.11)" ]; then echo "This needs python3.11." >&2; exit 1; fi
	@python3.11 scripts/environment.py .venv-oldest \
	  "tensorflow==2.18.* tf-keras==2.18.* pytest pytest-xdist pyyaml nbformat hatchling editables --editable ."
	@# Those left out are of scripts that only ever run in .venv.
	.venv-oldest/bin/python -m pytest $(PARALLEL) tests --ignore=tests/browser \
	  --ignore=tests/test_claims.py --ignore=tests/test_execute.py --ignore=tests/test_make_book.py

.PHONY: bench
bench: $(READY)  ## the numbers in the README, anew: make bench, or BENCH=speed for one
	$(PY) benchmarks/run.py $(BENCH)

.PHONY: repository
repository: $(READY)  ## write the repository's address: make repository URL=https://github.com/you/normflows_tut
	$(PY) scripts/repository.py "$(URL)"

.PHONY: vendor
vendor: $(READY)  ## refresh the vendored JavaScript (needs npm)
	$(PY) scripts/vendor.py

.PHONY: clean
clean:  ## remove what was built (environments stay)
	rm -rf _build dist .pytest_cache .ruff_cache

.PHONY: distclean
distclean: clean  ## remove the environments too
	rm -rf .venv .venv-oldest .venv-jax .venv-torch
