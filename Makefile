# `make demo` and `make test` do everything on a fresh machine: environment, installation, run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO_OUT ?= demo
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) # of tests: they often wait for processes that they start
APT := -o Acquire::Retries=1 -o Acquire::http::Timeout=15

.PHONY: demo test quick lint types floors unit browser fast slow clean

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

unit: $(VENV)/.test browser
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Tests of the studio's page need Chromium; where it cannot be installed they are skipped, and say so.
browser:
	@command -v chromium || command -v chromium-browser || command -v google-chrome \
		|| { [ "$$(id -u)" = 0 ] && apt-get $(APT) update -qq && apt-get $(APT) install -y -qq chromium; } \
		|| echo "no Chromium and no way to install it: the tests of the studio's page are skipped"

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
