# One verb each. Everything runs in .venv, which the first target that needs it creates.
#
#   make demo      the main job on real data, start to finish; writes an HTML report
#   make lab       the quickstart notebook in JupyterLab
#   make test      what CI runs (.ci/run), within 15 minutes on two cores
#   make test-all  the same and the long drills
#   make check     ruff, import-linter, mypy and pyright
#   make bench     Cellgraph beside its peers

VENV := .venv
BIN := $(VENV)/bin
NOTEBOOKS := examples/notebooks
# JupyterLab refuses to run as root unless told.
AS_ROOT := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)
# One test session may take this long.
TEST_TIMEOUT_S ?= 780
# In the order of tests/conftest.py: xdist's own begins with the files of many tests, not the long.
IN_PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-all check bench browser cron java clean

help:
	@sed -n 's/^#   //p' $(MAKEFILE_LIST)

$(BIN)/python:
	@python=$$(.ci/python) && echo "creating $(VENV) with $$python" && "$$python" -m venv $(VENV)

# One stamp per set of extras: `make demo` does not wait for a type checker.
$(VENV)/.with-demo: EXTRAS = demo
$(VENV)/.with-lab: EXTRAS = demo,lab,sequences
$(VENV)/.with-dev: EXTRAS = demo,lab,sequences,dev
$(VENV)/.with-bench: EXTRAS = bench
$(VENV)/.with-%: pyproject.toml | $(BIN)/python
	@echo "installing Cellgraph with [$(EXTRAS)] into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[$(EXTRAS)]' || { \
		echo "pip could not install Cellgraph with [$(EXTRAS)]: is a package index reachable?" >&2; exit 1; }
	@touch $@

demo: $(VENV)/.with-demo
	@$(BIN)/cellgraph demo

lab: $(VENV)/.with-lab
	@$(BIN)/jupyter lab $(AS_ROOT) $(NOTEBOOKS)/01_quickstart.ipynb

browser:
	@.ci/browser

cron:
	@.ci/cron

java:
	@.ci/java

# CI=true: a skipped test is a failure (tests/conftest.py). tests/e2e/test_demo.py runs the quickstart.
test: export CI = true
test: $(VENV)/.with-dev browser cron java
	@$(BIN)/python -m pytest tests/core -m "not slow and not browser and not alone" $(IN_PARALLEL) \
		--session-timeout=$(TEST_TIMEOUT_S)
	@$(BIN)/python -m pytest tests --ignore tests/core -m "not slow and not browser and not alone" \
		$(IN_PARALLEL) --session-timeout=$(TEST_TIMEOUT_S)
	@$(BIN)/python -m pytest tests -m "not slow and browser and not alone" $(IN_PARALLEL) \
		--session-timeout=$(TEST_TIMEOUT_S)
	@$(BIN)/python -m pytest tests -m "not slow and alone" --session-timeout=$(TEST_TIMEOUT_S)
	@$(BIN)/python -m pytest -p nbval --nbval-lax $(NOTEBOOKS) --ignore $(NOTEBOOKS)/01_quickstart.ipynb \
		$(IN_PARALLEL) -p no:cacheprovider \
		-o faulthandler_timeout=900 --timeout=900

# The drills run the benchmarks' peers too.
test-all: test $(VENV)/.with-bench
	@CI=true $(BIN)/python -m pytest tests -m slow --timeout=1800

check: $(VENV)/.with-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.with-bench
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
