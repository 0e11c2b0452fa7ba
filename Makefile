# Two commands do everything, set-up included: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint types lock clean

help:  ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup:  ## Install what is needed (Debian packages, .venv); nothing when it is there
	@scripts/setup

demo: setup  ## Tell the whole story on invented people, from agreement to certificate
	@.venv/bin/python -m demo

serve: setup  ## Leave hub and pages up, with one login per role
	@.venv/bin/python -m demo serve

test: setup lint types  ## Check everything: style, types, import rules, every test
	.venv/bin/python -m pytest -n 2

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: setup
	.venv/bin/mypy

lock:  ## Pin the requirements anew, with hashes
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url requirements/bootstrap.in -o requirements/bootstrap.txt
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url pyproject.toml -o requirements/runtime.txt
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url pyproject.toml --group test -o requirements/test.txt

clean:  ## Wipe what demo, serve and tests left
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis
