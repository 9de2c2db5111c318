# make demo   install what is missing, then fit a device and verify a layer in ngspice
# make check  lint, types, and the short unit tests: what to run while working
# make test   the same set-up, then everything CI runs
# make docs   the guide, into site/: open site/index.html
# make figures  the pictures of the guide's gallery, drawn anew
# make mutants    small wrong changes to the core, each of which a unit test should notice: an hour or so
#
# make WORKERS=8 test    on eight cores; each worker takes some 1 GB

PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Python compiles what it imports; all of the packages would take pip a minute.
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --constraint constraints.txt --editable

# pytest's: tests of one xdist_group stay together.
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadgroup

# Each worker of the tests has a core: libraries that start a thread a core would get in each other's way.
check test: export OMP_NUM_THREADS ?= 1
check test: export OPENBLAS_NUM_THREADS ?= 1

# Tests start hundreds of Python processes, which would each compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check test mutants lint solver network docs figures ngspice browser clean
.DELETE_ON_ERROR:

# One small layer is verified before the kernels for it were translated, which takes most of a minute.
demo: ngspice .venv/installed
	@$(BIN)/roa-fit data/pulses.csv --output-dir out/fit
	@NUMBA_DISABLE_JIT=1 $(BIN)/roa-spice verify --layer fc --output-dir out/verify

check: .venv/installed-dev lint
	$(BIN)/python -m pytest -q $(PARALLEL) -m "not (slow or long or ngspice or vacask or browser)" tests/unit

test:
	@$(MAKE) --no-print-directory -j$(WORKERS) browser .venv/installed-dev
	@$(MAKE) --no-print-directory -j$(WORKERS) lint solver network
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

# Continues build/mutants.jsonl; DRAW and SEED choose the sample.
DRAW ?= 300
SEED ?= 1
mutants: .venv/installed-dev
	$(INSTALL) '.[mutants]'
	$(BIN)/python .ci/mutants.py --draw $(DRAW) --seed $(SEED)

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Kernels that numba keeps translated: once here, not in every process of the tests.
solver network: .venv/installed-dev
	@$(BIN)/python .ci/translate.py $@

docs: .venv/installed-dev
	@$(BIN)/python .ci/references.py build/reference
	@$(BIN)/python .ci/tutorials.py build/tutorials
	@$(BIN)/zensical build --strict --clean
	@$(BIN)/python .ci/typeset.py site
	@$(BIN)/python .ci/glossary.py site
	@cp build/tutorials/*.ipynb site/tutorials/

# The pictures of the gallery; FIGURES=all draws those that take minutes, too.
figures: .venv/installed-dev
	@$(BIN)/python .ci/figures.py $(FIGURES)

# The simulator and its shared library, by the system's own package manager.
ngspice:
	@if command -v ngspice >/dev/null && { ldconfig -p 2>/dev/null | grep -q libngspice \
	    || ls /opt/homebrew/lib/libngspice* /usr/local/lib/libngspice* >/dev/null 2>&1; }; then :; \
	elif command -v apt-get >/dev/null; then \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ngspice libngspice0; \
	elif command -v dnf >/dev/null; then $(SUDO) dnf install -y ngspice libngspice; \
	elif command -v zypper >/dev/null; then $(SUDO) zypper --non-interactive install ngspice libngspice0; \
	elif command -v pacman >/dev/null; then $(SUDO) pacman -S --noconfirm --needed ngspice; \
	elif command -v brew >/dev/null; then brew install ngspice libngspice; \
	else \
	    echo "ngspice and its shared library are missing, and no known package manager is here:" \
	         "install both (ngspice 34 or newer, built --with-ngshared), then run make again" >&2; \
	    exit 1; \
	fi

# What the reports are looked at with, in tests alone; one package manager at a time.
browser: ngspice
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	    || command -v google-chrome >/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        chromium fonts-dejavu-core; \
	else \
	    echo "Chromium is missing: the tests of the reports are skipped without it" >&2; \
	fi

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv \
	    || { echo "python3 -m venv failed: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) '.[fast,learn]'
	@touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) '.[dev]'
	@touch $@ .venv/installed

clean:
	rm -rf .venv out build site .cache
