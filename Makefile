# `make demo` and `make test` do everything on a fresh machine: environment, installation, run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO_OUT ?= demo

.PHONY: demo test quick lint types floors unit fast slow clean

# minutes of tests in seconds: what is computed, read and edited, without commands, engines and studies
FAST := tests/edit tests/embedding/steps tests/test_files.py tests/test_latents.py

demo: $(VENV)/.demo
	$(BIN)/i2s-trt demo --output $(DEMO_OUT)

test: lint types floors unit

quick: $(VENV)/.test
	$(MAKE) --no-print-directory --jobs 2 types lint floors fast

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

floors: $(VENV)/.test
	$(BIN)/lint-imports

unit: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

fast: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/pytest $(FAST)

slow: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[demo]'
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[cpu,rtx,kernels,test]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
