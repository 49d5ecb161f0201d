# What one does with this checkout. `make help` lists it.

PORT ?= 8080
SMSHUB_DATA ?= data
export PORT SMSHUB_DATA

# Programs are run as `python -m`: their scripts name the folder they were installed in, and a checkout may move.
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet
# Only what the lock names, and only wheels: building a source would fetch tools that nobody locked. dkimpy has none: it is built with
# the setuptools of the lock.
LOCKED := $(PIP) install --require-hashes --only-binary :all: --no-binary dkimpy --no-build-isolation --requirement
# The debian packages that the tests can use, installed when make is run by root: a browser, to look at the pages with.
DEBIAN_PACKAGES ?= chromium dovecot-imapd dovecot-lmtpd dnsmasq-base
PYTEST_ARGS ?= -n auto --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test check coverage bench chaos lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

run: .venv/.runtime ## start the hub on PORT (8080), with its data in SMSHUB_DATA (./data); Ctrl-C stops it
	@exec $(PY) -P -m hub.cli serve

test: .venv/.dev .venv/.peers ## get all that the tests need, and run every test
	@exec $(PY) -m pytest $(PYTEST_ARGS)

check: .venv/.dev ## lint, format, types, imports, sizes
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()' --no-cache --no-logo
	$(PY) tests/check_tree.py

coverage: .venv/.dev .venv/.peers ## run every test, and show the lines and branches that none takes
	@exec $(PY) -m pytest $(PYTEST_ARGS) --cov --cov-report=term-missing:skip-covered

# DOCS=1 writes docs/performance.md and its picture too; DOCS=again writes them once more from what JSON= kept, and measures nothing.
bench: .venv/.dev .venv/.peers ## measure: ONLY=engine|mail2sms|smpp|eloqua, JSON=file for the figures by name; FIGURE=, RUNS=, SCALE=, DOCS=1
	@exec $(PY) -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json $(JSON)) $(if $(FIGURE),--figure $(FIGURE)) \
	  $(if $(RUNS),--runs $(RUNS)) $(if $(SCALE),--scale $(SCALE)) --profiles $(or $(PROFILES),build/profiles) \
	  $(if $(DOCS),--docs docs) $(if $(filter again,$(DOCS)),--again)

chaos: .venv/.dev .venv/.peers ## kill -9 at random under load, and compare: MINUTES=5, PEOPLE=20000, SEED= repeats a run
	@$(if $(MINUTES),MINUTES=$(MINUTES)) $(if $(PEOPLE),PEOPLE=$(PEOPLE)) $(if $(SEED),SEED=$(SEED)) exec $(PY) -m tests.chaos

# One file for every Python from 3.11 on, and every platform: hence uv, whose resolver is universal. No header and no index:
# the files name packages and their hashes, never the machine that wrote them.
COMPILE = env -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL $(PY) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-strip-extras --no-emit-index-url --group build
lock: .venv/.dev ## write the locked requirements again; UPGRADE=1 takes newer versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements-build.lock
	$(COMPILE) pyproject.toml $(if $(UPGRADE),--upgrade) --constraint requirements-build.lock --output-file requirements.lock
	$(COMPILE) pyproject.toml $(if $(UPGRADE),--upgrade) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove what make and the tools made; ./data stays
	rm -rf .venv build dist htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	rm -rf tests/peers/node_modules
	find core hub connectors tests -name __pycache__ -prune -exec rm -rf {} +


# Stamps: files that say what is installed, so that a second `make run` starts at once.

# An environment that was made elsewhere points there: it is made to point here again.
ifneq ($(shell cat .venv/.place 2>/dev/null),$(CURDIR))
.PHONY: .venv/.runtime
endif

$(PY):
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "smshub needs Python 3.11 or newer as python3; here it is: $$(python3 --version 2>&1)" >&2; exit 1; }
	@python3 -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making .venv ..."
	@python3 -m venv --clear .venv

.venv/.runtime: requirements-build.lock requirements.lock pyproject.toml | $(PY)
	@echo "Installing the locked requirements ..."
	@$(LOCKED) requirements-build.lock
	@$(LOCKED) requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@echo "$(CURDIR)" > .venv/.place
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	@echo "Installing what the tests need ..."
	@$(LOCKED) requirements-dev.lock
	@touch $@

# Peers from outside Python. What can't be had here is for its tests to say: a skip for a person, a failure in CI.
.venv/.peers: .venv/.dev $(wildcard tests/peers/package.json tests/peers/package-lock.json)
	@if [ -n "$(strip $(DEBIAN_PACKAGES))" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(DEBIAN_PACKAGES) || \
	  echo "Not all Debian packages could be installed: $(DEBIAN_PACKAGES)" >&2; fi
	@if [ -f tests/peers/package.json ]; then \
	  { cd tests/peers && npm ci --no-audit --no-fund --loglevel=error; } || echo "The node packages could not be installed." >&2; fi
	@touch $@
