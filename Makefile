# Needs make and a Python from 3.11 on; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
ONCE ?=
ARGS ?=
WRITE ?=
DJANGO ?=

CHOSEN := $(origin PYTHON)
RUN = $(VENV)/bin/python
INSTALL = @sh .ci/venv "$(PYTHON)" "$(CHOSEN)" "$(VENV)"

.DEFAULT_GOAL := help
.PHONY: help demo compare test lint bench pictures notebooks lab clean

help: ## show what can be made
	@echo "tracer: see how long Django's objects really live"
	@echo
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo
	@echo "  PYTHON=python3.12   another interpreter        VENV=.venv   another environment"
	@echo "  PORT=8001           another port (demo)        ONCE=1       end after the tour (demo)"
	@echo "  ARGS='-k facts'     options (test, compare)    DJANGO='>=6.1,<6.2'   another Django"

demo: ## open the café on http://127.0.0.1:8000, take a tour, serve until Ctrl-C
	$(INSTALL) "" "$(DJANGO)"
	@TRACER_ENABLED=0 $(RUN) demo_project/tour.py --check --port "$(PORT)"
	@TRACER_ENABLED=0 $(RUN) demo_project/manage.py prepare
	@$(RUN) demo_project/tour.py --port "$(PORT)" $(if $(filter-out 0 no,$(ONCE)),--once)

compare: ## run the café under every server that is here, and count what each builds
	$(INSTALL) servers "$(DJANGO)" >&2
	@$(RUN) -m tracer compare $(ARGS)

test: ## run all tests
	$(INSTALL) test "$(DJANGO)"
	@$(RUN) -m pytest $(ARGS)

lint: ## check style, formatting and types
	$(INSTALL) lint "$(DJANGO)"
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

bench: ## measure this tracer beside its peers (valgrind helps); ARGS=--quick takes minutes
	$(INSTALL) "" "$(DJANGO)"
	@$(RUN) -m benchmarks.installing
	@$(RUN) -m benchmarks $(ARGS)

pictures: ## draw the pictures of README and docs anew, from requests to the café
	$(INSTALL) servers "$(DJANGO)"
	@TRACER_ENABLED=0 $(RUN) demo_project/pictures.py

notebooks: ## run every notebook and hold it to its claims (WRITE=1 keeps the outputs)
	$(INSTALL) notebooks "$(DJANGO)"
	@$(RUN) notebooks/run.py $(if $(filter-out 0 no,$(WRITE)),--write) $(ARGS)

lab: ## open the notebooks in JupyterLab
	$(INSTALL) notebooks "$(DJANGO)"
	@$(RUN) -m jupyter lab --ServerApp.root_dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

clean: ## remove what the other targets made
	rm -rf .venv .venv-* build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
	rm -f demo_project/*.sqlite3 demo_project/*.sqlite3-journal
	rm -rf notebooks/.ipynb_checkpoints
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
