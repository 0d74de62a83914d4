# Two commands for a newcomer: `make demo` and `make test`. Both do all set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Keeps ./datasets from being taken for Hugging Face's package of that name.
export PYTHONSAFEPATH := 1

.PHONY: demo test lint docs docs-check bench wheel-check dependency-audit clean

demo: $(VENV)/.base  ## sign -> launder -> verify -> recover -> audit, with pictures
	$(BIN)/assay demo --out demo

test: $(VENV)/.dev  ## all tests
	$(BIN)/python -m pytest

lint: $(VENV)/.dev  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## regenerate docs/reference from the code
	$(BIN)/python docs/generate.py

docs-check: $(VENV)/.dev  ## fail when docs/reference is behind the code
	$(BIN)/python docs/generate.py --check

bench: $(VENV)/.dev  ## every benchmark, in its quick form
	$(BIN)/python tests/benchmarks/watermark.py --quick
	$(BIN)/python tests/benchmarks/matching.py recall --queries 5
	$(BIN)/python tests/benchmarks/provenance.py --rounds 3
	$(BIN)/python tests/benchmarks/detector.py speed
	$(BIN)/python tests/benchmarks/audit.py --quick

wheel-check: $(VENV)/.dev  ## build the wheel and look at what is in it
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(BIN)/python tests/check_wheel.py build/wheel/assay-*.whl

dependency-audit: $(VENV)/.dev  ## known vulnerabilities of what is installed; asks the network
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --skip-editable

$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build demo
