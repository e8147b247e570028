# make demo: everything from a clean machine to a report.  make test: lint, types, tests.  Both need only python3 and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
RAY := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,ray]'

.PHONY: demo test env format test-oracles test-ray test-faults bench-attacks bench-monitoring bench-scale lint clean

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assay needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/assay run quickstart

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2 -m 'not oracle'

test-oracles: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement oracles.txt
	$(BIN)/pytest -m oracle

test-faults: $(STAMP)
	ASSAY_FAULT_ROUNDS=50 ASSAY_FAULT_SEED=$$(date +%s) $(BIN)/pytest -m faults -s

test-ray: $(STAMP)
	$(RAY)
	$(BIN)/pytest tests/test_rays.py

bench-attacks: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement oracles.txt --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/attacks.py

bench-monitoring: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement oracles.txt --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/monitoring.py
	$(BIN)/python benchmarks/calibration.py

bench-scale: $(STAMP)
	$(RAY)
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/big_store.py
	$(BIN)/python benchmarks/many_cells.py
	$(BIN)/python benchmarks/stacks.py

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
