# The merit-coin platform. `make demo` and `make test` do everything on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif
RUN := $(BIN)/python -W ignore::RuntimeWarning -m infra
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo town tour kafka test check bench proof faults mutation pictures lock translations

help: ## show what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo.stamp ## the whole town on http://127.0.0.1:8000 (PORT=8001 elsewhere, RESET=1 starts over)
	@$(RUN) demo $(if $(RESET),--reset)

town: .venv/demo.stamp ## the same town, every service in processes of its own on Kafka (needs Java 17 and Maven); what they log: var/town.log
	@mkdir -p $(or $(VAR),var) && $(RUN) up --demo 2>$(or $(VAR),var)/town.log

tour: .venv/demo.stamp ## walk the loop once, in the terminal, in two minutes
	@$(RUN) tour

kafka: .venv/demo.stamp ## get and start a Kafka broker on 127.0.0.1:9092, without Docker (BROKERS=3: a cluster; needs Java 17 and Maven)
	@$(BIN)/python -W ignore -m infra.kafka run $(if $(BROKERS),--brokers $(BROKERS))

test: .venv/test.stamp ## all tests but the long proofs
	@$(BIN)/python -m pytest -m "not proof and not many" -n $(WORKERS) --dist worksteal $(TESTS)

check: .venv/test.stamp ## lint, types, import directions, translations, migrations
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(RUN) house

bench: .venv/test.stamp ## measure; prints a table and writes build/benchmarks.json
	@$(BIN)/python -m tests.benchmarks

proof: .venv/test.stamp ## the long proofs: simulated towns under faults, planted bugs that must be caught (LONG=1: many more)
ifdef LONG
	@LEDGER_EXAMPLES=1000 $(BIN)/python -m pytest --timeout 7200 tests/component/test_ledger_machine.py
	@SIMULATE_TOWNS=50 LEDGER_EXAMPLES=200 $(BIN)/python -m pytest --timeout 7200 -m "proof and not many" -n $(WORKERS) --dist worksteal
else
	@$(BIN)/python -m pytest -m "proof and not many" -n $(WORKERS) --dist worksteal
	@$(BIN)/python -m pytest -m many
endif

faults: .venv/test.stamp ## kill the ledger 200 times under 32 tills, the whole town 50 times, then processes of a city on Kafka 300 times; break all it stands on
	@KILLS=200 $(BIN)/python -m pytest --timeout 7200 -s tests/faults/test_kill_tills.py
	@KILLS=50 $(BIN)/python -m pytest --timeout 7200 -s tests/faults/test_kill_town.py
	@KILLS=300 $(BIN)/python -m pytest --timeout 7200 -s tests/faults/at_work/test_kills.py
	@AWAY_S=60 ROUNDS=5 $(BIN)/python -m pytest --timeout 7200 -s tests/faults/at_work/test_servers.py tests/faults/at_work/test_workers.py

mutation: .venv/test.stamp ## change the money rules in small ways: a unit test must fail each time
	@$(PIP) 'mutmut>=3.8,<4' && $(BIN)/python -m tests.mutation

pictures: .venv/test.stamp ## every page as everybody sees it, phone and desk, both directions and schemes (needs Chromium); build/pictures/index.html
	@$(BIN)/python -W ignore -m tests.browser.pictures

lock: .venv/test.stamp ## write the lock files anew from pyproject.toml
	@$(PIP) uv && for kind in "" "--group test"; do \
	  name=$$( [ -z "$$kind" ] && echo run || echo test ); \
	  $(BIN)/uv pip compile pyproject.toml $$kind --extra build --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --quiet -o infra/requirements/$$name.txt; done

translations: .venv/test.stamp ## collect new texts into the catalogues
	@$(RUN) translations

.venv/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %s. Say PYTHON=python3.12, for example." % sys.version.split()[0])'
	@$(PYTHON) -m venv .venv && touch $@

.venv/demo.stamp: .venv/made.stamp infra/requirements/run.txt pyproject.toml
	@echo "Installing what the platform needs (once) …"
	@$(PIP) --require-hashes -r infra/requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation -e . && touch $@

.venv/test.stamp: .venv/demo.stamp infra/requirements/test.txt
	@echo "Installing what the tests need (once) …"
	@$(PIP) --require-hashes -r infra/requirements/test.txt && touch $@
