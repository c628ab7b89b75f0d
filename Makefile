# Everything starts here: `make run` to use it, `make demo` to try it, `make test check` to change it.
# Needs Python 3.11 or later, make and git; the rest comes from PyPI, each file checked against its hash.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export FLASK_APP := wsgi

# An environment is ready when a stamp with the hash of its requirements is there: the second start installs nothing.
hash = $(shell $(PYTHON) -c "import hashlib, sys; print(hashlib.sha256(b''.join(open(n, 'rb').read() for n in sys.argv[1:])).hexdigest()[:16])" $(1))
RUN := $(VENV)/.run-$(call hash,requirements.txt)
DEV := $(VENV)/.dev-$(call hash,requirements.txt requirements-dev.txt)

EXTRACT := extract --no-wrap --sort-by-file --add-location=file -F babel.cfg -k N_ -k lazy_gettext -k _l --project Atiende

.PHONY: help run demo test check lint types schema catalogues i18n screenshots pins clean
.DEFAULT_GOAL := help

help: ## What can be made
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: $(RUN) ## Serve on http://127.0.0.1:8080 (HOST, PORT); Ctrl-C stops
	@exec $(BIN)/flask atiende serve

demo: export ATIENDE_INSTANCE ?= instance/demo
demo: $(RUN) ## The same with a fictional company of two years, in instance/demo
	@exec $(BIN)/flask atiende serve --demo

test: $(DEV) ## All tests, on SQLite and PostgreSQL (ARGS for pytest)
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: lint types schema catalogues ## ruff, mypy, models against migrations, catalogues, architecture
	$(BIN)/python -m pytest -q tests/test_architecture.py

lint: $(DEV)
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy

schema: $(DEV)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export ATIENDE_INSTANCE="$$folder" && \
	$(BIN)/flask db upgrade 2>"$$folder/log" && $(BIN)/flask db check 2>>"$$folder/log" || { cat "$$folder/log"; exit 1; }

catalogues: $(DEV)
	$(BIN)/python -m pytest -q tests/test_catalogues.py

# The .mo files are no part of the repository: whoever starts the product compiles the ones that are older than their .po.
i18n: $(DEV) ## Take new texts into the catalogues; what is empty there waits for its translation
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(BIN)/pybabel -q $(EXTRACT) -o "$$folder/messages.pot" . && \
	for language in es en; do \
	  test -f app/translations/$$language/LC_MESSAGES/messages.po || \
	  $(BIN)/pybabel -q init -i "$$folder/messages.pot" -d app/translations -l $$language; \
	done && \
	$(BIN)/pybabel -q update --ignore-obsolete --no-fuzzy-matching --no-wrap -i "$$folder/messages.pot" -d app/translations && \
	$(BIN)/pybabel compile --statistics -d app/translations

screenshots: $(DEV) ## Take the pictures of the manual from a running `make demo` (URL)
	$(BIN)/python docs/screenshots.py

pins: $(DEV) ## Compile requirements*.in, with hashes
	$(BIN)/pip-compile -q --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --generate-hashes --strip-extras --allow-unsafe -o requirements.txt requirements.in
	$(BIN)/pip-compile -q --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --generate-hashes --strip-extras --allow-unsafe -o requirements-dev.txt requirements-dev.in

clean: ## Remove the environment; data stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Atiende needs Python 3.11 or later; this is %s. Say which: make PYTHON=python3.11" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUN): | $(BIN)/python
	@echo "Installing what Atiende needs (once)…"
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@rm -f $(VENV)/.run-* && touch $@

$(DEV): $(RUN)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@rm -f $(VENV)/.dev-* && touch $@
