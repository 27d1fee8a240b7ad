# contactd: `make demo` shows it at work, `make test` checks everything. Both start from a bare Debian 12 with git, make and
# python3 >= 3.11 and set up .venv by themselves. PYTHON=… names another interpreter, DEMO_ARGS=… goes to `contactd demo`
# (--desk: you take the calls), TEST_ARGS=… to pytest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# A path from outside would put the tree in front of the wheel.
unexport PYTHONPATH PYTHONHOME

BIN := .venv/bin
# Wheels only: building a dependency from source would fetch build tools that carry no hash.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
# Folders count too, so that a deleted file makes a new wheel.
SOURCES := pyproject.toml README.md LICENSE \
	$(shell find contactd config templates deploy -name __pycache__ -prune -o \( -type f -o -type d \) -print)

.PHONY: demo test lint bench faults peers clean

demo: .venv/.wheel
	$(BIN)/contactd demo $(DEMO_ARGS)

# Four at once also on two processors: those tests that start programs and place calls wait most of their time.
test: .venv/.test .venv/.wheel peers lint
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n 4 --dist loadscope --no-loadscope-reorder -m "not slow" --cov --cov-report= $(TEST_ARGS)
	@echo "coverage, branches included (gates: 95 % of contactd, 100 % of contactd/domain):"
	@$(BIN)/coverage report --fail-under=95 --precision=1
	@$(BIN)/coverage report --fail-under=100 --precision=1 --include='contactd/domain/*'

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.test .venv/.wheel peers
	$(BIN)/python -m tests.bench.run $(BENCH_ARGS)

faults: .venv/.test .venv/.wheel peers
	FAULTS=full $(BIN)/pytest tests/faults $(TEST_ARGS)

peers:
	@.ci/prepare peers

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*

.venv/bin/python:
	@PYTHON="$(PYTHON)" .ci/prepare venv

# Two set-ups, each remembered by a stamp: what contactd needs to run, and what the tests need on top.
.venv/.runtime: deploy/requirements.txt | .venv/bin/python
	$(INSTALL) -r deploy/requirements.txt
	@touch $@

.venv/.test: tests/requirements.txt .venv/.runtime
	$(INSTALL) -r tests/requirements.txt
	@touch $@

# What is tested and shown is the wheel, as a user would install it.
.venv/.wheel: $(SOURCES) .venv/.runtime
	@rm -rf .venv/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --wheel-dir .venv/wheel .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall .venv/wheel/*.whl
	@touch $@
