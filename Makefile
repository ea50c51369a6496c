# The two commands of the README, and what they are made of.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: demo test lint prose format types unit packages tools generated lock clean

demo: $(VENV)/.run  ## set up, and serve a simulated platform on http://localhost:10880
	@exec $(BIN)/iblai-exporter demo $(ARGS)

test: $(VENV)/.dev packages tools lint types unit  ## all checks, as CI runs them

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/typos

prose:  ## the rules in .vale; tests/test_prose.py runs them, too
	@vale=$$(scripts/go-tools vale) && "$$vale" --output=line $$(git ls-files "*.md")

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

packages:
	@scripts/packages

tools:  ## build in the background what the tests wait for; they print what went wrong
	@scripts/go-tools >/dev/null 2>&1 &

generated: $(VENV)/.dev  ## write the committed files that have a generator
	@scripts/generate

lock: $(VENV)/.dev  ## lock the dependencies anew
	@scripts/lock

clean:
	rm -rf $(VENV) dist

$(VENV)/.run: requirements/run.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "iblai-exporter needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
