.PHONY: bench check format fuzz help http lint lock plugins run setup slow test types unit

help: ## What there is to call
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Set up, migrate, serve on 127.0.0.1:8000
	@scripts/setup runtime
	@.venv/bin/conduit migrate
	@.venv/bin/conduit serve

setup: ## Create .venv with everything that development needs
	@scripts/setup development

# Two at a time, as two cores bear.
test: setup ## What must hold before a commit: lint, types, architecture, tests and their coverage
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line unit http plugins types check lint

# Some of these take minutes by themselves: other limits, in seconds, than pyproject.toml gives every test.
slow: setup ## What takes longer and must hold too: the second engine, planted breaches, wheels, browsers, killed processes
	@.venv/bin/python -m pytest --quiet --numprocesses 3 -m slow --timeout 900 --override-ini faulthandler_timeout=1000

lint:
	@.venv/bin/ruff format --check --quiet . || { echo "conduit: not formatted; run: make format"; exit 1; }
	@.venv/bin/ruff check --quiet .

types:
	@.venv/bin/mypy

check:
	@.venv/bin/conduit check

# Each as its own team would: in its folder, by its own configuration, installed or not.
plugins: ## The tests and types of every plugin
	@.venv/bin/mypy $(dir $(wildcard plugins/*/pyproject.toml))
	@set -e; for plugin in $(dir $(wildcard plugins/*/pyproject.toml)); do \
		(cd $$plugin && ../../.venv/bin/python -m pytest --quiet); \
	done

# Coverage doubles the time of what it measures: what asks for the same code through HTTP goes without.
THROUGH_HTTP := $(addprefix tests/, benchmarks conformance docs e2e plugins security) $(wildcard tests/test_*.py)
MEASURED := $(filter-out tests/__% $(THROUGH_HTTP), $(patsubst %/,%, $(wildcard tests/*/)))

unit:
	@.venv/bin/python -m pytest --quiet --numprocesses 2 -m "not slow" --cov --cov-report= $(MEASURED)
	@.venv/bin/coverage report --fail-under 90
	@.venv/bin/coverage report --fail-under 95 --include 'modules/*/domain/*'

http:
	@.venv/bin/python -m pytest --quiet -m "not slow" $(THROUGH_HTTP)

fuzz: setup ## Ask the running service whatever its document lets one ask, for minutes
	@CONDUIT_TEST_EXAMPLES=500 .venv/bin/python -m pytest --quiet \
		--timeout 3600 --override-ini faulthandler_timeout=4000 tests/security/test_fuzz.py

bench: setup ## Measure requests beside yardsticks (needs wrk)
	@.venv/bin/python -m benchmarks run

format: setup ## Format the code and mend what ruff can mend
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## Resolve the pinned dependencies anew (needs uv: pip install uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install pyproject.toml -o requirements/runtime.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install --extra traces -c requirements/runtime.txt pyproject.toml -o requirements/traces.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install --extra development -c requirements/traces.txt pyproject.toml -o requirements/development.txt
# In its folder: what is written says where it was asked for, as it was called.
	@cd docs/clients/python && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header requirements.in -o requirements.txt
