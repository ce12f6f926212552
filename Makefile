# make run    set everything up, run the main job
# make test   set everything up, run the tests
# make setup  set everything up
# make lint   style and types
# make bench  measure speed, exactness, requests and scaling: an hour (IMAGES=<folder of photos>)

PYTHONS ?= python3.11 python3.12 python3 python
IMAGES ?= data/01_raw/fruits-360
BIN := .venv/bin

.PHONY: run test setup lint bench

run: setup
	@if [ -z "$$(ls -A data/01_raw/fruits-360 2>/dev/null)" ]; then $(BIN)/kedro sample; fi
	@$(BIN)/kedro run

test: setup
	@$(BIN)/pytest -n 2 --no-loadscope-reorder

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: setup
	@for name in extraction pca precision incremental spark_cluster linear_probe classification; do \
		$(BIN)/python benchmarks/$$name.py --images "$(IMAGES)" || exit 1; done
	@for name in s3_requests scaling; do $(BIN)/python benchmarks/$$name.py || exit 1; done

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@sh tools/setup.sh $(PYTHONS)
	@touch $@
