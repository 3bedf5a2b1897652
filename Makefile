# Two commands: `make demo` and `make test`. Both set everything up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
MODEL := smollm2-135m
EMBEDDER := all-minilm-l6-v2

.PHONY: demo test check setup

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Nightschool needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,demo]'
	touch $@

demo: .venv/.ready
	$(BIN)/nightschool models pull $(MODEL)
	$(BIN)/nightschool demo

test: .venv/.ready
	$(BIN)/nightschool models pull $(MODEL)
	$(BIN)/nightschool models pull $(EMBEDDER)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/.ready
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
