.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := sh ops/install-locked.sh $(VENV)
RUN := $(VENV)/.run-installed
STAMP := $(VENV)/.installed

.PHONY: help setup run test check bench docs lock tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## locked packages into .venv

$(STAMP): $(RUN) requirements/dev.txt
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(RUN): requirements/run.txt requirements/install.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Set PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing locked packages into $(VENV); the first time this takes up to a minute."
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

run: $(RUN) ## proxy, simulated providers, traffic and dashboard; Ctrl-C stops all of it
	@exec $(BIN)/litellm-obs demo

test: $(STAMP) tools ## the whole suite, with coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: $(STAMP) ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## what the plugin costs: its parts, a worker's start, real proxies
	$(BIN)/python -m pytest benchmarks --benchmark-enable --benchmark-only -q
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/proxy_overhead.py

tools: # Debian's servers for the tests, where we may install them
	@sh ops/install-test-tools.sh

docs: $(STAMP) ## metric tables from the catalogue
	$(BIN)/python -m litellm_obs_plugin.metrics.document

lock: ## compile the locks anew
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
	  --extra langfuse --extra dashboard --extra postgres -o requirements/run.txt pyproject.toml requirements/build.in
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
	  --all-extras -c requirements/run.txt -o requirements/dev.txt pyproject.toml requirements/build.in
	echo uv | $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
	  -c requirements/dev.txt -o requirements/install.txt -

clean: ## remove what set-up and tests made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
