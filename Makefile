# `make demo` and `make test` need Python >= 3.11 and pip; everything else is installed once into
# .venv, with the versions of constraints.txt. pip's own configuration is respected.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help install demo dashboard test lint format clean

help:
	@echo "make demo       the whole job on simulated LLMs, in a few minutes"
	@echo "make dashboard  the demo's store on web pages, on localhost"
	@echo "make test       format, lint, types and the whole test suite"
	@echo "make format     put the code into its format"
	@echo "make clean      remove .venv and caches"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)
	$(BIN)/workbench demo $(OPTIONS)

dashboard: $(INSTALLED)
	$(BIN)/workbench dashboard --store demo/demo.duckdb $(OPTIONS)

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal $(OPTIONS)

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
