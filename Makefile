# Two commands do everything, set-up included: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup engine proxy demo match serve test postgresql lint types lock clean bench bench-hub bench-disclosure bench-linkage bench-gate bench-custody bench-pages attack fuzz transmittals kills mutation rows site

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup:  ## Install what is needed (Debian packages, .venv); nothing when it is there
	@scripts/setup

engine:  ## Install the Docker engine of which the tests start one of their own
	@scripts/engine

proxy: setup  ## Install npm's proxy, which the tests and the benchmark of the hub hold ours against
	@scripts/proxy

demo: setup  ## Tell the whole story on invented people, from agreement to certificate
	@.venv/bin/python -m demo

match: setup  ## match_pair on FEBRL 4, which nobody here made, and on the demonstration's agencies
	@.venv/bin/python -m demo.match

serve: setup  ## Leave hub and pages up, with one login per role
	@.venv/bin/python -m demo serve

# The tests of a file stay together: what they share is built once. The rooms, the intake, the clocks and the pages are
# tried on SQLite and again on PostgreSQL.
TOGETHER = -n 3 --dist loadfile --no-loadscope-reorder
REGISTRY = tests/dictionary tests/intake tests/release tests/unit tests/web

test: setup engine proxy lint types  ## Check everything: style, types, import rules, every test
	.venv/bin/python -m pytest $(TOGETHER)
	.venv/bin/python -m pytest $(TOGETHER) --postgresql $(REGISTRY)

postgresql: setup  ## Run on PostgreSQL every test that has a registry, the journey and the hub's too
	.venv/bin/python -m pytest $(TOGETHER) --postgresql $(REGISTRY) tests/attack tests/hub tests/journey

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: setup
	.venv/bin/mypy

bench: bench-disclosure bench-linkage bench-hub bench-gate bench-custody bench-pages  ## Run the benchmarks; results and the commands stand in benchmarks/results

bench-disclosure: setup var/peers/.ready  ## Disclosure control beside its peers; ONLY=job,job for some of it
	.venv/bin/python -m benchmarks.disclosure --only "$(ONLY)"

bench-linkage: setup  ## Linkage beside Splink 5; ONLY=pair-1m,pair-2m for the large sizes
	.venv/bin/python -m benchmarks.linkage --only "$(ONLY)"

bench-hub: setup proxy  ## The hub beside JupyterHub's own spawner and npm's proxy; ONLY=start,kill,many,proxy
	.venv/bin/python -m benchmarks.hub --only "$(ONLY)"

bench-gate: setup var/peers/.ready  ## The gate's verdict on large requests; ONLY=linked-20 for one
	.venv/bin/python -m benchmarks.gate --only "$(ONLY)"

bench-custody: setup  ## Ledger, seals and intake beside bare commits, a checksum, a copy, a read; ONLY=append,verify,seal,intake-matching
	.venv/bin/python -m benchmarks.custody --only "$(ONLY)"

bench-pages: setup  ## The pages of 200 projects while fifty people click
	.venv/bin/python -m benchmarks.pages --only "$(ONLY)"

fuzz: setup  ## Judge a million mutants of honest requests
	.venv/bin/python -m tests.attack.fuzz 1000000

transmittals: setup  ## Send a million mutants of honest transmittals to the intake
	.venv/bin/python -m tests.attack.transmittals 1000000

kills: setup  ## kill -9 a thousand times from collect to publish, and 25 times at every point of the journey
	.venv/bin/python -m tests.journey.kills 1000
	.venv/bin/python -m tests.journey.every 25
	.venv/bin/python -m tests.journey.every 25 --postgresql

attack: setup  ## Attack 10,000 random protected tables
	.venv/bin/python -m tests.disclosure.attack 10000

mutation: setup  ## Score the tests of disclosure control by mutants of it; MODULES=name for some
	.venv/bin/python -m benchmarks.mutation $(MODULES)

var/peers/.ready: requirements/peers.txt
	rm -rf var/peers && /usr/bin/python3 -m venv --without-pip var/peers
	VIRTUAL_ENV=var/peers .venv/bin/uv pip install -q --system-certs --require-hashes -r requirements/peers.txt
	touch $@

site: setup  ## Make the site of the documentation in var/site
	.venv/bin/python -m benchmarks.page
	.venv/bin/python -m sphinx -q -n -W docs var/site

rows: setup  ## Write docs/requirements.md from policies/requirements.yaml
	.venv/bin/python -m scripts.requirements

lock: proxy  ## Pin the requirements anew, with hashes
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url requirements/bootstrap.in -o requirements/bootstrap.txt
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url pyproject.toml -o requirements/runtime.txt
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url pyproject.toml --group test -o requirements/test.txt
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url requirements/peers.in -o requirements/peers.txt
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url requirements/proxy.in -o requirements/proxy.txt
	var/proxy/npm install --prefix hub_config/fallback --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	.venv/bin/uv pip compile -q --system-certs --universal --generate-hashes --no-emit-index-url requirements/spark.in -o requirements/spark.txt

clean:  ## Wipe what demo, serve and tests left
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis
