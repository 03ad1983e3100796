# What a person runs here; `make help` lists it. Every target does what is not done yet, and can be interrupted and repeated.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down clean test soak check bench toolchain image virtualenv

PY := .venv/bin/python

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target what; do \
	  printf '  make %-10s %s\n' "$$target" "$$what"; done

up: image ## bring up the development stack, and the tools that it needs
	@bin/pulumi stack select --create dev >/dev/null
	@bin/pulumi up --stack dev --yes --skip-preview --suppress-outputs
	@bin/pulumi stack output --stack dev --json | $(PY) -m operations.summary

down: ## take the development stack back, and stop what `make up` started
	@if [ -d .toolchain ]; then $(MAKE) --no-print-directory toolchain && $(PY) -m toolchain down; \
	else echo "Nothing is up here"; fi

clean: down ## `make down`, and remove the tool cache, the virtualenv and all other files that are not git's
	@if [ -d .toolchain ]; then $(PY) -m toolchain remove-images; fi
	@if find .state/.pulumi/stacks -name '*.json*' ! -name 'dev.json*' 2>/dev/null | grep -q .; then \
	  echo "Kept: .state, which has other stacks than the development stack's"; else rm -rf .state; fi
	@rm -rf .cache .toolchain .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

test: check toolchain ## checks, and all tests on the real engines; ARGS="..." goes to pytest
	@$(PY) -m toolchain ssh-server
	@$(PY) -m toolchain with-image $(PY) -m pytest -n 2 $(ARGS)

soak: toolchain ## the long tests: random kills, all faults, odd answers (hours)
	@$(PY) -m toolchain ssh-server
	@SOAK=1 $(PY) -m toolchain with-image $(PY) -m pytest -m soak $(ARGS)

check: virtualenv ## format, lint, types, imports, shell scripts
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy .
	@.venv/bin/lint-imports
	@.venv/bin/shellcheck bin/* .ci/run toolchain/*.sh components/xnat_host/*.sh sandbox/launchers/*

bench: toolchain ## time and memory, side by side with what one would do by hand; into bench/out/results.json
	@$(PY) -m toolchain with-image $(PY) -m bench

toolchain: virtualenv ## the Pulumi tools alone; ROUTE=official or ROUTE=mirror for no other
	@$(PY) -m toolchain $(if $(ROUTE),--route $(ROUTE)) tools

image: toolchain ## a Docker engine, and the sandbox's base image in it
	@$(PY) -m toolchain image

virtualenv:
	@toolchain/virtualenv.sh
