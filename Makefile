# Everything a checkout needs is installed by `make setup`; the other targets call it themselves.
.DEFAULT_GOAL := help
.PHONY: help setup chromium demo up test faults check bench bench-english bench-peers requirements lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := $(VENV)/.peers-installed
PEER_PACKAGES := benchmarks/peers/npm
# How many processes run the tests; one of them has Ray's for half of the time.
WORKERS ?= 2

help:
	@echo "make demo          set everything up and run the main job (KEEP=1 leaves it up)"
	@echo "make up            run the platform in the foreground; Ctrl-C stops all of it"
	@echo "make test          run the tests"
	@echo "make faults        inject every fault, with a storm of random ones and a long soak (SEED=1)"
	@echo "make check         format, lint, types, import contracts"
	@echo "make bench         run the benchmarks; results are JSON in benchmarks/results/"
	@echo "make bench-english read descriptions offline (CORPUS=FILE SCORER=FILE: and score them)"
	@echo "make bench-peers   run Weft beside other engines (needs wrk and npm; QUICK=1: two minutes)"
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
	@$(BIN)/pytest -n $(WORKERS)

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

bench-english: $(STAMP)
	@$(BIN)/python -m benchmarks.english $(if $(CORPUS),--corpus $(CORPUS)) $(if $(SCORER),--scorer $(SCORER))

# The other engines: only for whoever compares, so `make setup` leaves them out.
$(PEERS): $(STAMP) $(PEER_PACKAGES)/package.json
	@sh tools/install.sh "$(PYTHON)" "$(VENV)" peers
	@npm install --silent --no-package-lock --prefix $(PEER_PACKAGES)
	@touch $(PEERS)

bench-peers: $(PEERS)
	@$(BIN)/python -m benchmarks.peers $(if $(QUICK),--quick)

requirements: $(STAMP) chromium
	@$(BIN)/python -m tools.requirements -n $(WORKERS)

lock: $(STAMP)
	@$(BIN)/python -m tools.lock
