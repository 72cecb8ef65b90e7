# Two commands matter: `make demo` and `make test`. Both set up what they need in .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Tests run on all cores; `make test TESTS=tests/filters JOBS=0` runs one room in one process.
TESTS ?= tests
JOBS ?= auto

.PHONY: help demo test check format bench kafka clean

help:
	@echo "make demo    simulated surveys -> filter -> VOEvents -> a stock Comet, in about a minute"
	@echo "make test    lint, types, and all tests"
	@echo "make bench   the benchmarks, on this machine"
	@echo "make kafka   a Kafka broker on this machine to try things with (Java and Maven are needed)"
	@echo "make format  put the code into its form"
	@echo "make clean   remove what the others made"

demo: $(VENV)/.runtime
	@$(BIN)/voevent-bridge demo
	@echo "To have voevent-bridge on your path:  . $(BIN)/activate"

# Heavy tests whose code others reach as well are not traced for the coverage (marker `no_cover`), nor are the
# processes that they start: that would more than double their time.
# A process that is late on a busy machine ("waited ... in vain") is given a second chance; wrong content never is.
# Bytecode is kept: tests start hundreds of processes.
test: export PYTHONDONTWRITEBYTECODE =
test: check
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --reruns 1 --only-rerun "in vain" \
		--cov --cov-report=term --cov-fail-under=90 $(TESTS)

check: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: $(VENV)/.dev
	@$(BIN)/voevent-bridge bench all

kafka: $(VENV)/.runtime
	@$(BIN)/python tests/kafka/kafka_broker.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(BIN)/python pyproject.toml
	@echo "Installing voevent-bridge and its dependencies into $(VENV) ..."
	@$(PIP) install --editable .
	@touch $@

# The LSST schemas are read as data files of their distribution; its own dependencies are not needed.
$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) install --editable '.[dev]'
	@$(PIP) install --no-deps lsst-alert-packet
	@touch $@

clean:
	rm -rf $(VENV) demo-output build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
