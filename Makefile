# The newcomer's door. `make demo` and `make test` set up all they need.

PYTHON ?= python3
UV_VERSION := 0.13.9
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/offhook
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
VENV := .venv/bin
CARGO_TARGET = CARGO_TARGET_DIR=$$($(PYTHON) tools/native.py target-dir)
# Set or not where this runs: without bytecode on the disk each of the many processes of a test run compiles everything.
export PYTHONDONTWRITEBYTECODE :=
# One profile for all: what the tests and lints compile is what the wheel ships, and nothing compiles twice.
CARGO_FLAGS := --locked --release --workspace

.PHONY: help demo test check setup soak fuzz bench docs wheel format clean prerequisites setup-test

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: system-demo setup ## Start the platform, let Python phones call each other, show what they heard
	@$(VENV)/python -m offhook.cli.demo

test: setup-test ## Run every test of CI's ring
	@$(CARGO_TARGET) cargo test --locked --profile checks --quiet --package offhook-media
	@$(VENV)/pytest -n 2 --dist loadgroup

setup: system-demo prerequisites $(UV) ## Make .venv with the offhook command, ready
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)

setup-test: system-test setup
	@$(VENV)/python tools/compat_env.py

check: setup ## Lint, types, the direction of imports, the native stub
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/basedpyright
	@$(VENV)/lint-imports
	@cargo fmt --all --check
	@$(CARGO_TARGET) cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	@$(VENV)/python -m mypy.stubtest offhook._media

soak: setup-test ## The long ring: floods, repeats, fuzzing (OFFHOOK_SOAK_SCALE=0.05 is CI's size)
	@$(VENV)/python -m benches.soak

fuzz: setup ## Fuzz the parsers (OFFHOOK_FUZZ_ITERS sets the size)
	@OFFHOOK_FUZZ_ITERS=$${OFFHOOK_FUZZ_ITERS:-200000} $(CARGO_TARGET) cargo test --locked --profile checks --package offhook-media --test 'fuzz*'
	@OFFHOOK_FUZZ_ITERS=$${OFFHOOK_FUZZ_ITERS:-200000} $(VENV)/pytest -q tests/faults -k fuzz

bench: setup ## Measure, beside the named peers
	-@tools/system_packages bench # without a peer its row says so, and fails
	@$(UV) sync --frozen --quiet --python $(PYTHON) --group bench
	@$(VENV)/python -m benches.run

docs: setup ## Build the documentation into site/
	@$(VENV)/python tools/reference.py
	@$(VENV)/zensical build --clean --strict

wheel: system-demo prerequisites $(UV) ## Build the wheel into dist/
	@$(CARGO_TARGET) $(UV) build --wheel --out-dir dist --python $(PYTHON)

format: setup ## Format Python and Rust
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix --quiet .
	@cargo fmt --all

clean: ## Remove what was built in this clone
	@rm -rf .venv dist site src/offhook/_media*.so

.PHONY: system-demo system-test
system-demo system-test: system-%:
	@tools/system_packages $*

prerequisites:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "offhook needs Python 3.11 or later (set PYTHON=…)" >&2; exit 3; }
	@command -v cargo >/dev/null || { echo "offhook needs Rust: install it with rustup" >&2; exit 3; }

$(UV):
	@$(PYTHON) -m venv $(CACHE)/uv-$(UV_VERSION)
	@$(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
