# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
SOURCES := $(shell find staging -name '*.py' -o -path 'staging/*' -type f ! -name '*.pyc' | grep -v __pycache__)

.PHONY: help demo test lint types check page wheel clean

help:
	@echo "make demo    install into $(VENV), simulate a raw Empatica E4 night, score it, say where the report is"
	@echo "make test    install what the tests need and run them all"
	@echo "make check   lint, types, tests and the demo, as continuous integration does"
	@echo "make page    build the page that stages in a browser: build/staging.html (needs Node.js 20)"
	@echo "make wheel   build the wheel into dist/"
	@echo "make clean   remove $(VENV) and everything built"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "staging needs Python 3.11-3.13, found " + sys.version.split()[0] + "; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The package is installed as a user would have it, and again when a source changes.
$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt $(SOURCES)
	$(PIP) .
	@touch $@

# torch first and by its exact version. On Linux PyPI's build brings GPU libraries: point pip at PyTorch's CPU index
# (PIP_EXTRA_INDEX_URL) to do without them.
$(VENV)/.test-installed: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[train,test]'
	@touch $@ $(VENV)/.installed

# The example in JavaScript is tested where npm is there and can bring onnxruntime-web; its test says so where not.
$(VENV)/.node-installed: $(BIN)/python models/examples/node/package.json
	-command -v npm >/dev/null && npm install --prefix models/examples/node --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/staging demo --out demo

test: $(VENV)/.test-installed $(VENV)/.node-installed
	$(BIN)/python -m pytest -n auto --doctest-modules tests staging

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test-installed
	$(BIN)/mypy

check: lint types test demo

page: $(VENV)/.installed
	$(BIN)/python -m scripts.build_page

wheel: $(BIN)/python
	rm -rf build dist
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .hypothesis .mypy_cache .ruff_cache ./*.egg-info
