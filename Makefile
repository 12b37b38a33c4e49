.PHONY: bench fuzz help run setup test lint types check plugins unit format lock

help: ## What there is to call
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## Set up, migrate, serve on 127.0.0.1:8000
	@scripts/setup runtime
	@.venv/bin/conduit migrate
	@.venv/bin/conduit serve

setup: ## Create .venv with everything that development needs
	@scripts/setup development

# The longest first, and the others beside it: two at a time, as two cores bear.
test: setup ## Everything that must hold before a commit
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line unit types plugins check lint

lint:
	@.venv/bin/ruff format --check --quiet . || { echo "conduit: not formatted; run: make format"; exit 1; }
	@.venv/bin/ruff check --quiet .

types:
	@.venv/bin/mypy

check:
	@.venv/bin/conduit check

# Each as its own team would: in its folder, by its own configuration, installed or not.
plugins: ## The tests and types of every plugin
	@set -e; for plugin in $(dir $(wildcard plugins/*/pyproject.toml)); do \
		.venv/bin/mypy $$plugin; \
		(cd $$plugin && ../../.venv/bin/python -m pytest --quiet); \
	done

unit:
	@.venv/bin/coverage erase
	@.venv/bin/coverage run -m pytest --quiet --numprocesses 3
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage report --fail-under 90
	@.venv/bin/coverage report --fail-under 95 --include 'modules/*/domain/*'

fuzz: setup ## Ask the running service whatever its document lets one ask, for minutes
	@CONDUIT_TEST_EXAMPLES=500 .venv/bin/python -m pytest --quiet tests/security/test_fuzz.py

bench: setup ## Measure requests beside yardsticks (needs wrk)
	@.venv/bin/python -m benchmarks run

format: setup ## Format the code and mend what ruff can mend
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## Resolve the pinned dependencies anew (needs uv: pip install uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install pyproject.toml -o requirements/runtime.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra install --extra development -c requirements/runtime.txt pyproject.toml -o requirements/development.txt
