# What each command does: make help

PYTHONS ?= python3.11 python3.12 python3.13 python3 python
# The one that is set up, else 3.5.
SPARK ?= $(patsubst .venv/spark-%,%,$(firstword $(wildcard .venv/spark-*) .venv/spark-3.5))
IMAGES ?= data/01_raw/fruits-360
BIN := .venv/bin
PARALLEL := --dist loadfile --no-loadscope-reorder

.PHONY: help run test test-servers test-faults test-slow setup lint docs bench clean
.DEFAULT_GOAL := help
# What Python has compiled is kept: else each process compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: setup ## set everything up, run the pipeline (on a sample at first)
	@sh tools/run.sh

# The workers have all cores: threads of linear algebra would wait for each other.
test test-servers test-faults test-slow: export OMP_NUM_THREADS = 1
test: setup ## set everything up, run the tests: a few minutes
	@$(BIN)/pytest -n 2 $(PARALLEL) -m "not servers and not faults"

test-servers: setup ## the tests on real servers: S3, YARN, Spark cluster, browser
	@$(BIN)/pytest -n 2 $(PARALLEL) -m servers

test-faults: setup ## the tests that break runs: kills, fuzz, full disks
	@$(BIN)/pytest -n 2 $(PARALLEL) -m faults

test-slow: setup ## test-servers and test-faults together: they wait some of their time
	@$(BIN)/pytest -n 3 $(PARALLEL) -m "servers or faults"

lint: setup ## style, types, and which folder imports from which
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

docs: setup ## the site of docs/, in build/site; fails on a broken link
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: setup ## measure for an hour: IMAGES=<folder of photos>
	@for name in extraction pca precision incremental spark_cluster linear_probe classification \
		curation_planted large_photos backbones archives; do \
		$(BIN)/python benchmarks/$$name.py --images "$(IMAGES)" || exit 1; done
	@for name in s3_requests scaling curation; do $(BIN)/python benchmarks/$$name.py || exit 1; done

clean: ## remove what make has made, and nothing else
	@sh tools/clean.sh

setup: .venv/spark-$(SPARK) ## set everything up, in .venv; SPARK=4.1: with that Spark

.venv/spark-$(SPARK): requirements.lock $(wildcard requirements-spark-$(SPARK).lock) pyproject.toml
	@sh tools/setup.sh $(SPARK) $(PYTHONS)
	@touch $@
