# The verbs. Everything installs into .venv at the root; all state lives under THROUGHLINE_HOME (default warehouse/local).

PYTHON ?= python3
PORT ?= 8000
DAGSTER_PORT ?= 3000
SIZE ?= small
SOURCES ?=
WORKERS ?= 2
export PORT DAGSTER_PORT

BIN := .venv/bin
READY := .venv/.ready

.PHONY: up test torture proofs pipeline bench lint format clean install
.DEFAULT_GOAL := up

install: $(READY)

# Hashes pin every package; bytecode is compiled once because it is half of every start.
$(READY): requirements.lock pyproject.toml
	@echo "installing packages into .venv (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

up: $(READY)
	@exec $(BIN)/throughline up --size $(SIZE)

pipeline: $(READY)
	@exec $(BIN)/throughline pipeline run $(if $(SOURCES),--sources $(SOURCES))

test: $(READY)
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m pytest -n $(WORKERS)

torture: $(READY)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m torture

# Which routes keep tenants apart, for the report of isolation: tests/surface/proving.py.
proofs: $(READY)
	@$(BIN)/python -m pytest -n $(WORKERS) tests/surface/test_routes.py -p tests.surface.proving

bench: $(READY)
	@$(BIN)/python -m benchmarks

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

clean:
	rm -rf .venv warehouse/local transforms/target transforms/logs .mypy_cache .ruff_cache .pytest_cache
