.PHONY: bench check format fuzz help http lint lock plugins run setup slow soak test test-affected test-all types unit

help: ## List targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Set up, migrate and serve on 127.0.0.1:8000
	@scripts/setup runtime
	@.venv/bin/conduit migrate
	@.venv/bin/conduit serve

setup: ## Create .venv with the development dependencies
	@scripts/setup development

# Two jobs, for two cores.
test: setup ## Check before a commit: lint, types, architecture, tests, coverage
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line unit http plugins types check lint

# BASE is a revision; default: the merge base with main. Exit code 5 of pytest: all selected tests are slow ones.
test-affected: setup ## Check what a change can affect: lint, types, architecture, and the tests that can see it
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line types check lint
	@set -e; selected=$$(.venv/bin/conduit affected --format tests $(if $(BASE),--against $(BASE))); \
	tests=$$(echo "$$selected" | sed -n '/^tests/p'); \
	[ -z "$$tests" ] || .venv/bin/python -m pytest --quiet --numprocesses 2 -m "not slow" $$tests || [ $$? -eq 5 ]; \
	for plugin in $$(echo "$$selected" | sed -n '/^plugins/p'); do \
		.venv/bin/mypy $$plugin/; \
		(cd $$plugin && ../../.venv/bin/python -m pytest --quiet); \
	done

# Single tests take minutes, so the timeouts, in seconds, are longer than those in pyproject.toml.
test-all: setup ## Check before a push, after `make test`: PostgreSQL, seeded violations, wheels, browsers, killed processes
	@.venv/bin/python -m pytest --quiet --numprocesses 3 -m slow --timeout 900 --override-ini faulthandler_timeout=1000

# The former name of test-all, for one release.
slow: test-all

lint:
	@.venv/bin/ruff format --check --quiet . || { echo "conduit: not formatted; run: make format"; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/codespell

types:
	@.venv/bin/mypy

check:
	@.venv/bin/conduit check

# In each plugin's folder with its own configuration, as its own team runs them, installed or not.
plugins: ## Check the types and run the tests of every plugin
	@.venv/bin/mypy $(dir $(wildcard plugins/*/pyproject.toml))
	@set -e; for plugin in $(dir $(wildcard plugins/*/pyproject.toml)); do \
		(cd $$plugin && ../../.venv/bin/python -m pytest --quiet); \
	done

# Coverage doubles the time of tests, so those that call the same code through HTTP run without it.
UNMEASURED_TESTS := $(addprefix tests/, benchmarks conformance docs e2e history plugins security) $(wildcard tests/test_*.py)
COVERED_TESTS := $(filter-out tests/__% $(UNMEASURED_TESTS), $(patsubst %/,%, $(wildcard tests/*/)))

unit:
	@.venv/bin/python -m pytest --quiet --numprocesses 2 -m "not slow" --cov --cov-report= $(COVERED_TESTS)
	@.venv/bin/coverage report --fail-under 90
	@.venv/bin/coverage report --fail-under 95 --include 'modules/*/domain/*'

http:
	@.venv/bin/python -m pytest --quiet -m "not slow" $(UNMEASURED_TESTS)

fuzz: setup ## Fuzz the API from its OpenAPI document (minutes)
	@CONDUIT_TEST_EXAMPLES=500 .venv/bin/python -m pytest --quiet \
		--timeout 3600 --override-ini faulthandler_timeout=4000 tests/security/test_fuzz.py

bench: setup ## Run the benchmarks on SQLite and PostgreSQL (needs wrk; ten minutes)
	@.venv/bin/python -m benchmarks run

soak: setup ## Load two workers for long, and report what grows (MINUTES=30 on each engine)
	@.venv/bin/python -m benchmarks soak $(if $(MINUTES),--minutes $(MINUTES))

format: setup ## Format the code and apply ruff's fixes
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## Update the pinned dependencies (needs uv: pip install uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install pyproject.toml -o requirements/runtime.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install --extra traces -c requirements/runtime.txt pyproject.toml -o requirements/traces.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install --extra development -c requirements/traces.txt pyproject.toml -o requirements/development.txt
# In its folder, because the output names the input files as given.
	@cd docs/clients/python && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header requirements.in -o requirements.txt
