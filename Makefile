# Everything a checkout needs is installed by `make setup`; the other targets call it themselves.
.DEFAULT_GOAL := help
.PHONY: help setup chromium demo up test faults check bench requirements lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

help:
	@echo "make demo          set everything up and run the main job (KEEP=1 leaves it up)"
	@echo "make up            run the platform in the foreground; Ctrl-C stops all of it"
	@echo "make test          run the tests"
	@echo "make faults        inject every fault, with a storm of random ones and a long soak (SEED=1)"
	@echo "make check         format, lint, types, import contracts"
	@echo "make bench         run the benchmarks; results are JSON in benchmarks/results/"
	@echo "make requirements  print which requirement has a passing test and which has none"

setup: $(STAMP)

# The lock names versions and hashes, not where they come from: that is pip's own setting.
$(STAMP): uv.lock pyproject.toml client/pyproject.toml tools/install.sh
	@sh tools/install.sh "$(PYTHON)" "$(VENV)"
	@touch $(STAMP)

chromium: $(STAMP)
	@$(BIN)/python -m tools.chromium

demo: $(STAMP) chromium
	@$(BIN)/weft demo $(if $(KEEP),--keep)

up: $(STAMP)
	@$(BIN)/weft up

test: $(STAMP) chromium
	@$(BIN)/pytest

faults: $(STAMP)
	@$(BIN)/pytest tests/faults tests/actors/test_write_ownership.py -m "faults or not faults" -s \
		$(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

requirements: $(STAMP) chromium
	@$(BIN)/python -m tools.requirements

lock: $(STAMP)
	@$(BIN)/python -m tools.lock
