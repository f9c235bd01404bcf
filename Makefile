# Set-up is part of every target: a machine needs Python 3.11+, git and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run up test test-all lint bench lock env-example docs clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@echo "Installing into $(VENV) from requirements.lock ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "LeadFlow needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q leadflow_pipelines assets resources
	@$(BIN)/python -m leadflow_pipelines.marts.run_dbt
	@touch $(READY)

run: $(READY) ## Run the pipeline on simulated vendors; INPUT=path runs it on your county file
	@$(BIN)/leadflow run --sandbox $(if $(INPUT),--input "$(INPUT)") $(ARGS)

up: $(READY) ## Open the Dagster UI with its daemon, bound to loopback
	@$(BIN)/leadflow up $(ARGS)

# A file's tests go to one worker, so what its fixtures make for the module is made once; the folders whose files take
# longest come first, and the many short files of unit/ fill the end. (loadgroup of pytest-xdist 3.8 groups nothing
# under pytest 9.2, which no longer reads the node id that it rewrites.)
# Bytecode is kept even where the environment says not to: half of the seconds before the first test are rewritten
# asserts, and a simulated vendor or a command in a process of its own would compile all that it imports each time.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: $(READY) ## Run the test suite on the embedded Postgres
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: $(READY) ## Run everything: also the long forms of tests, which take minutes
	@$(PYTEST) --hypothesis-profile thorough $(ARGS)

lint: $(READY) ## Check style, types and the direction of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

# The environment's own versions stand: the peers' lock is compiled under them, and a later sync removes the peers.
$(PEERS): $(READY) requirements-bench.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-bench.lock
	@touch $(PEERS)

bench: $(PEERS) ## Measure the performance claims beside their peers; NAME=identity picks one
	@$(BIN)/leadflow bench $(or $(NAME),pipeline) $(ARGS)

env-example: $(READY) ## Write .env.example from the settings
	@$(BIN)/python -m leadflow_pipelines.settings > .env.example

docs: $(READY) ## Write docs/data_dictionary.md and the dbt sources from the contracts
	@$(BIN)/python -m leadflow_pipelines.contracts

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url pyproject.toml

lock: $(READY) ## Compile requirements.lock and the peers' requirements-bench.lock from pyproject.toml
	@$(COMPILE) --extra dev -o requirements.lock
	@$(COMPILE) --extra bench --constraints requirements.lock -o requirements-bench.lock

clean: ## Remove the virtual environment and caches; data in .leadflow stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
