# The commands of this project; `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
SAM ?= sam
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo local test check format lock build deploy clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.13 …"; exit 1; }
	@echo "Setting up $(VENV) (once) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/,!/\\$$/' requirements-dev.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed ## the virtual environment, from the lock file

demo: $(VENV)/.installed ## the main job, shown on this machine
	@$(BIN)/python -m local demo

local: $(VENV)/.installed ## the whole stack on this machine, until interrupted
	@$(BIN)/python -m local up

test: $(VENV)/.installed ## the tests
	@$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.installed ## format, lint, types, import contracts, template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=layers/core $(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

format: $(VENV)/.installed ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## both lock files anew (needs uv)
	for name in layers/core/requirements requirements-dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $$name.in -o $$name.txt; done

build: ## what SAM deploys (needs the AWS SAM CLI)
	$(SAM) build

deploy: ## sam deploy; the first time with ADOBE_SECRET_ARN=arn:… (needs the AWS SAM CLI)
	$(SAM) deploy $(if $(ADOBE_SECRET_ARN),--parameter-overrides AdobeSecretArn=$(ADOBE_SECRET_ARN))

clean: ## everything that was made here
	rm -rf $(VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
