# The commands of this project; `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
SAM = $(BIN)/sam
export SAM_CLI_TELEMETRY = 0
ifdef AWS_REGION
export AWS_DEFAULT_REGION ?= $(AWS_REGION)
endif
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo local test fire matrix soak guards e2e check bench openapi format lock build deploy clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

fire: $(VENV)/.installed ## every call with every fault, kills, crowds, made-up lives: no invariant may break
	@$(BIN)/python -m pytest -n auto --dist worksteal tests/fire

matrix: $(VENV)/.installed ## docs/fault-matrix.md anew
	@PYTHONPATH=layers/core $(BIN)/python -m tests.fire.matrix_page

soak: $(VENV)/.installed ## made-up lives for MINUTES=10, others than the ones of `make fire`
	@PYTHONPATH=layers/core $(BIN)/python -m tests.fire.soak $(or $(MINUTES),10)

guards: $(VENV)/.installed ## each guard taken away in a scratch copy: its tests must go red
	@$(BIN)/python -m tests.guards

e2e: $(VENV)/.installed ## what is deployed, in AWS's own runtime client (needs Python 3.13)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadfile tests/e2e

check: $(VENV)/.installed $(VENV)/checkov/.installed ## format, lint, types, import contracts, template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=layers/core $(BIN)/lint-imports
	$(BIN)/python -m local.openapi --check
	$(BIN)/cfn-lint template.yaml
	AWS_DEFAULT_REGION=eu-west-1 $(SAM) validate --lint
	$(VENV)/checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet -f template.yaml

# checkov pins its own boto3, so it has an environment of its own.
$(VENV)/checkov/.installed: $(VENV)/.installed requirements-checkov.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/checkov
	@$(BIN)/uv pip install --quiet --python $(VENV)/checkov/bin/python --no-deps --require-hashes -r requirements-checkov.txt
	@touch $@

bench: $(VENV)/.installed $(VENV)/bench/.installed ## measures, and writes docs/performance.md; ONLY=cold|warm|peers|load|fleet (cold needs Python 3.13)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json $(JSON))

# aepp, which it compares with, brings much that nothing else needs, so it has an environment of its own.
$(VENV)/bench/.installed: $(VENV)/.installed requirements-bench.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/bench
	@$(BIN)/uv pip install --quiet --python $(VENV)/bench/bin/python --no-deps --require-hashes -r requirements-bench.txt
	@touch $@

openapi: $(VENV)/.installed ## docs/openapi.json anew, from the code
	@$(BIN)/python -m local.openapi

format: $(VENV)/.installed ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.installed ## every lock file anew; UPGRADE=1 takes the newest of everything
	for name in layers/core/requirements requirements-dev requirements-checkov requirements-bench; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) $$name.in -o $$name.txt; done

build: $(VENV)/.installed ## what is deployed, for Lambda's Python and architecture
	env -u MAKEFLAGS PYTHON="$(abspath $(BIN))/python" $(SAM) build
	@echo "Next: make deploy"

deploy: $(VENV)/.installed ## what was built; first with ADOBE_SECRET_ARN=arn:…; STACK=name, PARAMETERS="Name=value …" or file://….yaml
	@test -f .aws-sam/build/template.yaml || { echo "Nothing is built: make build"; exit 1; }
	$(strip $(SAM) deploy $(if $(STACK),--stack-name $(STACK)) $(if $(ADOBE_SECRET_ARN)$(PARAMETERS),--parameter-overrides \
	  $(if $(ADOBE_SECRET_ARN),AdobeSecretArn=$(ADOBE_SECRET_ARN)) $(PARAMETERS)))

clean: ## everything that was made here
	rm -rf $(VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
