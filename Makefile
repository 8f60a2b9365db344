# Two commands do everything on a fresh machine with Python 3.11+ and pip:
#   make sweep   create .venv, install, run the PAMAP2 study   (ARGS="..." appends overrides)
#   make test    the same environment plus the dev extra, run the tests: three at a time, since many wait, then those that must run alone
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: sweep test check bench chaos long clean

sweep: $(VENV)/.installed
	$(BIN)/python -m sweep +experiment=pamap2 $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder -m "not alone and not long" $(ARGS) || test $$? -eq 5  # ARGS chose none
	$(BIN)/python -m pytest -m alone $(ARGS) || test $$? -eq 5

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

long: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m long $(ARGS)

chaos: $(VENV)/.installed-dev
	SWEEP_CHAOS_KILLS=40 $(BIN)/python -m pytest tests/study/test_chaos.py

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/loop.py
	$(BIN)/python benchmarks/measuring.py
	$(BIN)/python benchmarks/study.py
	$(BIN)/python benchmarks/repeatability.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/attribution.py
	$(BIN)/python benchmarks/meters.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/dashboard.py

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) build dist
