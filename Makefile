# The commands of this project; `make` without a target lists them.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
SAM = $(BIN)/sam
# One more worker than cores, for tests that wait for processes and sockets.
MORE = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
QUICK = tests/unit tests/provision tests/reconcile tests/api
export SAM_CLI_TELEMETRY = 0
ifdef AWS_REGION
export AWS_DEFAULT_REGION ?= $(AWS_REGION)
endif
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo local test test-quick fire matrix soak guards e2e check bench openapi format lock build deploy clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is required. Run: make PYTHON=python3.13 …"; exit 1; }
	@echo "Setting up $(VENV) (once) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/,!/\\$$/' requirements-dev.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed ## create the virtual environment from the lock file

demo: $(VENV)/.installed ## show the main use case on this machine
	@$(BIN)/python -m local demo

local: $(VENV)/.installed ## run the whole stack on this machine until it is interrupted
	@$(BIN)/python -m local up $(if $(PORT),--port $(PORT))

test: $(VENV)/.installed ## run the tests
	@$(BIN)/python -m pytest -n auto --dist worksteal

test-quick: $(VENV)/.installed ## run the unit tests and the rules in memory
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not cloud and not slow" $(QUICK)

fire: $(VENV)/.installed ## test every call with every fault, kills, concurrency and random histories: no invariant may break
	@$(BIN)/python -m pytest -n $(MORE) --dist worksteal tests/fire

matrix: $(VENV)/.installed ## regenerate docs/explanation/fault-matrix.md
	@PYTHONPATH=layers/core $(BIN)/python -m tests.fire.matrix_page

soak: $(VENV)/.installed ## test random histories for MINUTES=10, different from those of `make fire`
	@PYTHONPATH=layers/core $(BIN)/python -m tests.fire.soak $(or $(MINUTES),10)

guards: $(VENV)/.installed ## remove each guard in a scratch copy: its tests must fail
	@$(BIN)/python -m tests.guards

e2e: $(VENV)/.installed $(VENV)/awscli/.installed ## test the deployed code in AWS's own runtime client (needs Python 3.13)
	@PATH="$(abspath $(BIN)):$(abspath $(VENV))/awscli/bin:$$PATH" $(BIN)/python -m pytest -n $(MORE) --dist worksteal tests/e2e

# The AWS CLI runs the commands of the documentation.
$(VENV)/awscli/.installed: $(VENV)/.installed requirements-awscli.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/awscli
	@$(BIN)/uv pip install --quiet --python $(VENV)/awscli/bin/python --no-deps --require-hashes -r requirements-awscli.txt
	@touch $@

check: $(VENV)/.installed $(VENV)/checkov/.installed ## check format, lint, types, import contracts and the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=layers/core $(BIN)/lint-imports
	$(BIN)/python -m local.openapi --check
	$(BIN)/cfn-lint template.yaml
	AWS_DEFAULT_REGION=eu-west-1 $(SAM) validate --lint
	$(VENV)/checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet -f template.yaml

# checkov pins its own boto3, so it has its own virtual environment.
$(VENV)/checkov/.installed: $(VENV)/.installed requirements-checkov.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/checkov
	@$(BIN)/uv pip install --quiet --python $(VENV)/checkov/bin/python --no-deps --require-hashes -r requirements-checkov.txt
	@touch $@

bench: $(VENV)/.installed $(VENV)/bench/.installed ## measure, and write docs/explanation/performance.md; ONLY=cold|warm|peers|load|fleet (cold needs Python 3.13)
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json $(JSON))

# The benchmark compares with aepp, whose many dependencies nothing else needs. So it has its own virtual environment.
$(VENV)/bench/.installed: $(VENV)/.installed requirements-bench.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/bench
	@$(BIN)/uv pip install --quiet --python $(VENV)/bench/bin/python --no-deps --require-hashes -r requirements-bench.txt
	@touch $@

openapi: $(VENV)/.installed ## write docs/openapi.json from the code
	@$(BIN)/python -m local.openapi

format: $(VENV)/.installed ## format the code and fix lint errors
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.installed ## regenerate every lock file; UPGRADE=1 takes the newest versions
	for name in layers/core/requirements requirements-dev requirements-checkov requirements-bench requirements-awscli; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) $$name.in -o $$name.txt; done

build: $(VENV)/.installed ## build the functions and the layer, for Lambda's Python and architecture
	env -u MAKEFLAGS PYTHON="$(abspath $(BIN))/python" $(SAM) build
	@echo "Next: make deploy"

deploy: $(VENV)/.installed ## deploy the build; the first time with ADOBE_SECRET_ARN=arn:…; STACK=name, PARAMETERS="Name=value …" or file://….yaml
	@test -f .aws-sam/build/template.yaml || { echo "Nothing is built yet. Run: make build"; exit 1; }
	$(strip $(SAM) deploy $(if $(STACK),--stack-name $(STACK)) $(if $(ADOBE_SECRET_ARN)$(PARAMETERS),--parameter-overrides \
	  $(if $(ADOBE_SECRET_ARN),AdobeSecretArn=$(ADOBE_SECRET_ARN)) $(PARAMETERS)))

clean: ## delete everything that these commands created here
	rm -rf $(VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
