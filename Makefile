# Two commands are all: `make demo` shows the workbench, `make test` checks everything.
# Each makes its own virtual environment with the versions pinned in constraints.txt.

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
SOURCES = $(shell find alnlp apps -name '*.py' -o -name '*.js' -o -name '*.css' -o -name '*.jsonl')
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test lint wheel clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(VENV)/bin/alnlp demo $(ARGS)

test: lint chromium
	@# At the lowest priority, as the trainer is: else other tests would starve those that wait for it.
	HF_HUB_OFFLINE=1 nice -n 19 $(VENV)/bin/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

wheel: $(VENV)/.test
	$(VENV)/bin/python -m build --wheel

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && \
		$(SUDO) apt-get install -y -qq --no-install-recommends chromium fonts-noto-core; }

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
		f"got Python {v[0]}.{v[1]}, expected 3.11 or newer: make PYTHON=python3.11 ...")'
	@# Debian splits venv off its Python; virtualenv, brought by pip, does without it.
	$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV) && \
		$(PYTHON) -m pip install --quiet --target $(VENV)-bootstrap virtualenv && \
		PYTHONPATH=$(VENV)-bootstrap $(PYTHON) -m virtualenv --quiet $(VENV); }

# torch comes first and by itself, so that a local CPU build is taken where there is one.
$(VENV)/.torch: $(VENV)/bin/python
	@echo "installing torch, transformers, gradio and the rest: this takes some minutes, once"
	$(PIP) $(TORCH)
	@touch $@

# Not editable: a folder named alnlp in the working directory, such as this one seen from outside,
# would hide an editable install.
$(VENV)/.demo: $(VENV)/.torch pyproject.toml constraints.txt $(SOURCES)
	$(PIP) '.[minilm]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PIP) --editable '.[minilm,spacy,stream,test]'
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-bootstrap build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
