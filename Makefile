# What people do with the hub. `make help` lists the targets.

# The first of these that is Python 3.11 or later; say PYTHON=... to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
# Words for the program behind a target: make test ARGS="-k telegram"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: setup demo run test check format docs bench chaos lock clean help

setup: $(BIN)/.installed  ## Make .venv and install everything; quick when nothing changed

demo: setup  ## Run the hub with a sandbox and a channel of every type to try
	@$(BIN)/hubbub up --demo $(ARGS)

run: setup  ## Run the hub
	@$(BIN)/hubbub up $(ARGS)

test: setup  ## Run every test
	@$(BIN)/pytest -n auto $(ARGS)

check: setup  ## Check format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports

format: setup  ## Format the code
	@$(BIN)/ruff check --fix --select I .
	@$(BIN)/ruff format .

docs: setup  ## Write the pages that are made from the code
	@$(BIN)/python docs/channels/make.py
	@$(BIN)/python docs/make_sdk.py

bench: setup  ## Run the benchmarks
	@PYTHONPATH=. $(BIN)/python -m bench $(ARGS)

chaos: setup  ## Kill and starve the hub while it works, and count what is lost
	@PYTHONPATH=. $(BIN)/python -m tests.chaos $(ARGS)

lock: setup  ## Choose the versions of requirements*.txt anew
	@$(BIN)/uv $(COMPILE) --output-file requirements-dev.txt --extra dev pyproject.toml
	@$(BIN)/uv $(COMPILE) --output-file requirements.txt --constraint requirements-dev.txt \
		pyproject.toml

clean:  ## Remove what setup and tests made; data in var/ stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find core plugins tests bench -name __pycache__ -prune -exec rm -rf {} +

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# Without index addresses: where packages come from is each machine's own setting.
COMPILE := pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

$(BIN)/.installed: requirements.txt requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later, with venv, is needed and was not found." \
		"Install it, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv, which takes some minutes ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
		--require-hashes --requirement requirements-dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q core plugins
	@touch $@
