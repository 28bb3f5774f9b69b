# `make demo` and `make test` need Python >= 3.11 and nothing else; uv makes them faster when it is there.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: help demo test lint format servers real fleet bench screenshot lock clean

help:  ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("shifu-console needs Python 3.11 or newer; this is " + sys.version.split()[0] + "; set PYTHON=...") if sys.version_info < (3, 11) else None'
ifneq ($(UV),)
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
else
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
endif
	@touch $@

demo: .venv/.ready  ## Open the console on an embedded fleet
	@$(BIN)/shifu-console demo

test: .venv/.ready  ## Run every test that needs no real servers
	$(BIN)/pytest -n 2 --dist loadscope --ignore tests/real --ignore tests/bench

lint: .venv/.ready  ## Check format, style, types and the import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.ready  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

servers: .venv/.ready  ## Build the real servers into a cache folder (needs Go; minutes when cold)
	$(BIN)/python -m tests.real.servers build

real: .venv/.ready  ## Run the tests on real servers
	$(BIN)/pytest tests/real
	SHIFU_AGAINST=real $(BIN)/pytest tests/contract

fleet: .venv/.ready  ## Start a real fleet and leave it running
	@$(BIN)/python -m tests.real.fleet

bench: .venv/.ready  ## Measure, ours beside the peer's
	$(BIN)/python -m tests.bench

screenshot: .venv/.ready  ## Make the README's picture
	$(BIN)/python -m tests.screenshot

lock: .venv/.ready  ## Pin every dependency again
	uv pip compile --quiet --universal --generate-hashes --group dev --python-version 3.11 \
	  --custom-compile-command 'make lock' pyproject.toml -o requirements.lock

clean:  ## Remove what was made here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
