# The two commands of the README are `make demo` and `make test`. Both need only Python 3.11 or newer and make:
# they create .venv and install what requirements/ has locked, by version and hash. A second call installs nothing.

PYTHON ?= python3
# Not from the environment, where these names may mean something else; `make test VENV=.venv312` works.
VENV   := .venv
ARGS   :=
# Half of the suite's time is waiting for brokers, databases and browsers.
WORKERS = $(shell $(PYTHON) -c "import os; print(2 * os.cpu_count())")

bin   := $(VENV)/bin
pip   := $(bin)/python -m pip --disable-pip-version-check --no-input --quiet
# The build backend is in the lock too, so that installing the project fetches nothing more.
self  := $(pip) install --no-deps --no-build-isolation

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-browser screenshots rule-words quick check format bench bench-peers bench-whole bench-ingest bench-kafka bench-recovery bench-inbox fuzz peer-hapi faults rehearse same-answer faults-notifier ops check-ops image base-image stack test-stack sbom licences audit wheel lock clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## simulate a small hospital and open the inbox (ARGS="--port 8090")
	$(bin)/salvage demo $(ARGS)

test: check ## everything: format, lint, types, import contracts, rules, all tests
	$(bin)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

quick: $(VENV)/.develop ## the tests to run at every save
	$(bin)/python -m pytest --numprocesses auto -m "not slow" tests/unit tests/rules $(ARGS)

# CI=true: without the browser it fails, instead of being skipped. Debian: chromium.
test-browser: $(VENV)/.develop ## the pages in a real Chromium: mouse, keyboard alone, no script, axe
	CI=true $(bin)/python -m pytest tests/browser $(ARGS)

screenshots: $(VENV)/.develop ## take docs/images/ anew, of made-up patients
	PYTHONPATH=tests $(bin)/python -m support.screenshots

rule-words: $(VENV)/.develop ## write anew what the inbox says of the rules, from the packs
	$(bin)/python -m services.commands.rulewords

check: $(VENV)/.develop ## all of `make test` that is not pytest
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/salvage rules check

format: $(VENV)/.develop ## put the code into the form that `make check` asks for
	$(bin)/ruff format .
	$(bin)/ruff check --fix .

bench: $(VENV)/.develop ## measure, side by side (ARGS="--events 100000")
	$(bin)/python -m benchmarks $(ARGS)

bench-peers: $(VENV)/.develop ## measure other engines beside ours (JSON=file ARGS="--only polars"); fetches them
	PYTHONPATH=tests $(bin)/python -m benchmarks.peers $(if $(JSON),--json $(JSON)) $(ARGS)

bench-whole: $(VENV)/.develop ## measure the whole catalogue, down to the disk (ARGS="--patients 2000")
	$(bin)/python -m benchmarks.whole $(ARGS)

bench-ingest: $(VENV)/.develop ## measure how fast HL7 v2 comes in (ARGS="--messages 2000")
	$(bin)/python -m benchmarks.ingest $(ARGS)

bench-kafka: $(VENV)/.develop ## measure the detector over Kafka beside others; needs Java and Maven
	PYTHONPATH=tests $(bin)/python -m benchmarks.kafka $(ARGS)

PATIENTS := 100000
bench-recovery: $(VENV)/.develop ## measure how soon many patients are served again (PATIENTS=100000)
	PYTHONPATH=tests $(bin)/python -m benchmarks.kafka.recovery --patients $(PATIENTS) $(ARGS)

bench-inbox: $(VENV)/.develop ## measure the worklist of a ward with 10,000 open cases (ARGS="--cases 1000")
	PYTHONPATH=tests $(bin)/python -m benchmarks.inbox $(ARGS)

fuzz: $(VENV)/.develop ## ten minutes of bytes that nobody would send (ARGS="--seconds 60 --least 0")
	PYTHONPATH=tests $(bin)/python -m fuzz $(ARGS)

faults: $(VENV)/.develop ## three brokers, three workers, and what breaks (KILLS=100 BROKER_KILLS=20 CUTS=10 SEED=1 INPUT=events.jsonl)
	PYTHONPATH=tests $(bin)/python -m faults $(if $(KILLS),--kills $(KILLS)) \
	  $(if $(BROKER_KILLS),--broker-kills $(BROKER_KILLS)) $(if $(CUTS),--cuts $(CUTS)) \
	  $(if $(STOPS),--stops $(STOPS)) $(if $(FULL),--full $(FULL)) $(if $(CORRUPT),--corrupt $(CORRUPT)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(INPUT),--input $(INPUT)) $(ARGS)

rehearse: $(VENV)/.develop ## each process and a broker of three killed under load: does Prometheus say so, and stop?
	PYTHONPATH=tests $(bin)/python -m faults.rehearsal

DATA := ../shared/data
same-answer: $(VENV)/.develop ## three workers on every data set and case, against a replay (DATA=folder of the sets)
	PYTHONPATH=tests $(bin)/python -m faults --everything $(DATA) --kills 0 --broker-kills 0 --cuts 0 --seed 1 $(ARGS)

peer-hapi: $(VENV)/.develop ## 50,000 messages from HAPI, the server killed 20 times; needs Java and Maven
	PYTHONPATH=tests $(bin)/python -m support.hapi $(ARGS)

faults-notifier: $(VENV)/.develop ## notifiers killed while they send 10,000 alerts (KILLS=20 DB=postgresql)
	PYTHONPATH=tests $(bin)/python -m support.notifier_faults \
	  $(if $(KILLS),--kills $(KILLS)) $(if $(DB),--db $(DB)) $(ARGS)

ops: $(VENV)/.develop ## write docs/metrics.md and the dashboards anew, from the code
	$(bin)/python -m deploy

# --- The image and the stack (docs/operations.md) -----------------------------------------------

BASE  := python:3.11-slim-bookworm
IMAGE := salvage-watch:local
built := build/image

image: $(VENV)/.develop ## the container image, of locked wheels (BASE=image with Python 3.11, IMAGE=name)
	rm -rf $(built) && mkdir -p $(built)
	cp requirements/runtime.txt $(built)/
	$(pip) download --require-hashes --no-deps --dest $(built)/wheels -r requirements/runtime.txt
	$(pip) wheel --no-deps --no-build-isolation --wheel-dir $(built)/wheels .
	docker build --build-arg BASE=$(BASE) --file deploy/Dockerfile --tag $(IMAGE) $(built)

# Root, Debian and debootstrap; four minutes, and no registry.
base-image: ## a base image of Debian's packages, for `make image BASE=local/python:3.11-bookworm`
	rm -rf build/base
	debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm build/base
	tar --directory build/base --create . | docker import - local/python:3.11-bookworm
	rm -rf build/base

stack: ## the whole system on this machine, from deploy/compose.yaml (ARGS=down ends it)
	SALVAGE_IMAGE=$(IMAGE) docker compose --project-name salvage-watch --file deploy/compose.yaml $(or $(ARGS),up --detach)

test-stack: $(VENV)/.develop ## drive that stack: messages in, alerts out, each service started anew, nothing lost
	PYTHONPATH=tests $(bin)/python -m stack --image $(IMAGE) $(ARGS)

# CI=true: what is missing fails instead of being skipped. Debian: prometheus, prometheus-alertmanager.
check-ops: $(VENV)/.develop ## alert rules, routes and dashboards, by promtool, amtool and a real Prometheus
	promtool check rules --lint=all --lint-fatal deploy/prometheus/salvage.rules.yaml
	promtool check config deploy/prometheus/prometheus.yaml
	promtool test rules deploy/prometheus/tests/*.test.yaml
	amtool check-config deploy/alertmanager/alertmanager.yaml
	CI=true $(bin)/python -m pytest tests/operations $(ARGS)

# --- The environment -------------------------------------------------------------------------------

$(bin)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "salvage-watch needs Python 3.11 or newer: make PYTHON=python3.12")'
	@# Half an environment (Debian without python3-venv) must not look like a whole one the next time.
	$(PYTHON) -m venv $(VENV) || { rm -f $@; exit 1; }

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(bin)/python
	@echo "Installing what salvage-watch runs on into $(VENV) ..."
	$(pip) install --require-hashes -r requirements/runtime.txt
	$(self) --editable .
	@touch $@

$(VENV)/.develop: requirements/develop.txt pyproject.toml | $(bin)/python
	@echo "Installing what salvage-watch is developed with into $(VENV) ..."
	$(pip) install --require-hashes -r requirements/develop.txt
	$(self) --editable .
	@touch $@

# --- The package -----------------------------------------------------------------------------------

# Tests see the tree; users get the wheel. So the wheel is installed where the tree is not, and tried.
wheel: $(VENV)/.develop ## build the wheel into dist/, install it in a bare environment and try it
	rm -rf dist $(VENV)-wheel
	$(pip) wheel --no-deps --no-build-isolation --wheel-dir dist .
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/runtime.txt
	$(VENV)-wheel/bin/python -m pip --disable-pip-version-check --quiet install --no-deps dist/*.whl
	cd dist && $(abspath $(VENV))-wheel/bin/salvage rules check

# --- What we are made of -------------------------------------------------------------------------

sbom licences audit: $(VENV)/.develop $(VENV)-supply/bin/pip-audit
	@$(bin)/python -m deploy.supply $@ $(VENV)-supply/bin

sbom: ## the bill of materials of what users get, CycloneDX, into build/
licences: ## its licences, into build/
audit: ## what is known to be wrong with it; needs a network

$(VENV)-supply/bin/pip-audit:
	$(PYTHON) -m venv $(VENV)-supply
	$(VENV)-supply/bin/python -m pip --disable-pip-version-check --quiet install \
	  cyclonedx-bom==7.5.0 pip-audit==2.10.1 pip-licenses==5.5.5

# --- The locks: versions and hashes, never an address (docs/adr/0003-locks-without-addresses.md) ---

compile = $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --extra all --custom-compile-command "make lock" $(ARGS)

lock: $(VENV)-lock/bin/uv ## renew requirements/*.txt after a change of pyproject.toml (ARGS=--upgrade)
	$(compile) --group build --output-file requirements/runtime.txt pyproject.toml
	$(compile) --group dev --constraint requirements/runtime.txt --output-file requirements/develop.txt pyproject.toml

$(VENV)-lock/bin/uv:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip --disable-pip-version-check --quiet install uv

clean: ## remove everything that make made
	rm -rf $(VENV) $(VENV)-wheel $(VENV)-lock $(VENV)-supply dist build htmlcov .coverage \
	  .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find schemas services tests -name __pycache__ -type d -prune -exec rm -rf {} +
