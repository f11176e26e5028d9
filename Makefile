# What a newcomer and a developer run; `make` alone lists it.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
READY := $(VENV)/.ready
WEIGHTS := engine/vgg16_features.pt

# `=`, not `:=`: these are read when a recipe runs, for what they name may not be there yet.
VERSION = $(shell sed -n 's/^version *= *"\(.*\)".*/\1/p' blender_manifest.toml)
ZIP = dist/style_transfer_3d-$(VERSION).zip
EXTENSION_CLI = $(wildcard $(VENV)/lib/python3*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py)

# Torch in one process and bpy in another; a process that hangs at its exit is ended.
LIMIT := $(if $(shell command -v timeout),timeout --kill-after=10 1500)
PYTEST := $(LIMIT) $(PYTHON_IN_VENV) -m pytest

# The oldest Blender and the newest that the extension is for, each with its Python.
COMPAT := 4.2/3.11 5.2/3.13
# One run of the real engine tells how the two get on; the engine is the same for every Blender.
COMPAT_TESTS := tests/operators -k 'not test_real_engine or on_a_textured_cube'

# A command prefix: `$(REAL_BLENDER) blender …` runs a Blender with a window system.
# For one that is installed already: make test-blender REAL_BLENDER=env
ifndef REAL_BLENDER
REAL_BLENDER := $(abspath $(wildcard ../shared/real-blender/run))
REAL_BLENDER_SETUP := $(wildcard ../shared/real-blender/setup)
endif

.DEFAULT_GOAL := help
.PHONY: help setup weights demo gallery bench test test-nightly test-compat test-blender build \
	lint format clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24

setup: $(READY)  ## make .venv: Python 3.11 or 3.13, bpy, torch, tools

$(READY): .ci/requirements.txt .ci/requirements-test.txt .ci/setup .ci/find-python
	.ci/setup $(VENV) .ci/requirements.txt 3.11 3.13

weights: $(WEIGHTS)  ## make the VGG-16 weights that the extension bundles

$(WEIGHTS): .ci/bundle_vgg16.py | $(READY)
	$(PYTHON_IN_VENV) $<

demo: $(READY) $(WEIGHTS)  ## paint Suzanne and leave the pictures in build/demo
	$(PYTHON_IN_VENV) examples/demo.py

gallery: $(READY) $(WEIGHTS)  ## paint what each control does into docs/pictures (two hours without a GPU)
	$(PYTHON_IN_VENV) examples/gallery.py

# MESH=, TEXTURE=, STYLE= name files of your own; WHOLE=3 adds so many runs of each preset;
# ONLY="steps memory" measures these again. The engine's threads wait as Blender has them wait.
BENCH = $(if $(MESH),--mesh "$(MESH)") $(if $(TEXTURE),--texture "$(TEXTURE)") \
	$(if $(STYLE),--style "$(STYLE)") $(if $(WHOLE),--whole-runs $(WHOLE)) \
	$(if $(ONLY),--only $(ONLY))

bench: $(READY) $(WEIGHTS)  ## measure the targets' figures into docs/performance.md (12 to 20 minutes)
	$(PYTHON_IN_VENV) -m pip install --disable-pip-version-check --quiet \
		-r benchmarks/requirements.txt || echo "bench: goes on without a plot and Mitsuba"
	OMP_WAIT_POLICY=PASSIVE PYTHONPATH=.:examples $(PYTHON_IN_VENV) -m benchmarks.run $(BENCH)

# Two halves at the same time, a thread each, about as long as each other: those of the engine's
# tests that start most engines follow on the operators'.
STARTING := $(patsubst %,tests/engine/test_%.py,main queue compare needed_memory workers)
test: $(READY) $(WEIGHTS)  ## run the tests that need no installed Blender
	@mkdir -p build; failed=0; export OMP_NUM_THREADS=1; \
	{ $(PYTEST) tests/operators; operators=$$?; \
	  $(PYTEST) $(STARTING) && [ $$operators = 0 ]; } > build/test-other.log 2>&1 & \
	other=$$!; \
	$(PYTEST) tests/engine $(addprefix --ignore=,$(STARTING)) || failed=1; \
	wait $$other || failed=1; \
	cat build/test-other.log; \
	exit $$failed

# Ten thousand hostile inputs, a fault at every phase, a hundred runs in one Blender.
test-nightly: $(READY) $(WEIGHTS)  ## run the fault, fuzz and soak tests in their full size (hours)
	@failed=0; export OMP_NUM_THREADS=1 NIGHTLY=1; \
	$(PYTHON_IN_VENV) -m pytest tests/engine/test_hostile_*.py || failed=1; \
	$(PYTHON_IN_VENV) -m pytest tests/operators/faults tests/operators/test_soak.py || failed=1; \
	exit $$failed

# Blender's Python has no torch here, as on an artist's machine: the engine's own runs the engine.
test-compat: $(READY) $(WEIGHTS)  ## run the operators' tests on Blender 4.2 and, given Python 3.13, 5.2
	@failed=0; \
	for pair in $(COMPAT); do \
		blender=$${pair%/*} python=$${pair#*/} venv=.venv-$${pair%/*}; \
		if ! found=$$(env -u PYTHON .ci/find-python $$python); then \
			echo "test-compat: Blender $$blender is left out: there is no Python $$python here"; \
			continue; \
		fi; \
		echo "test-compat: Blender $$blender"; \
		PYTHON=$$found .ci/setup $$venv .ci/requirements-compat.txt $$python && \
		TEST_ENGINE_PYTHON=$(abspath $(PYTHON_IN_VENV)) \
			$(LIMIT) $$venv/bin/python -m pytest $(COMPAT_TESTS) || failed=1; \
	done; \
	exit $$failed

build: $(READY) $(WEIGHTS)  ## make and validate dist/style_transfer_3d-<version>.zip
	mkdir -p dist
	rm -f dist/*.zip
	$(PYTHON_IN_VENV) $(EXTENSION_CLI) build --output-filepath $(ZIP)
	$(PYTHON_IN_VENV) $(EXTENSION_CLI) validate $(ZIP)

ifneq ($(REAL_BLENDER),)
test-blender: build  ## install the zip into a real Blender and run it there
	$(REAL_BLENDER_SETUP)
	REAL_BLENDER="$(REAL_BLENDER)" EXTENSION_ZIP="$(abspath $(ZIP))" $(PYTEST) tests/blender
else
test-blender:
	@echo "test-blender: skipped, there is no real Blender here; with one on the PATH: make test-blender REAL_BLENDER=env"
endif

lint: $(READY)  ## check style and types
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	mkdir -p $(VENV)/types
	ln -sfn ../.. $(VENV)/types/style_transfer_3d
	MYPYPATH=$(VENV)/types:examples:.ci $(PYTHON_IN_VENV) -m mypy

format: $(READY)  ## put the code into the form that lint wants
	$(PYTHON_IN_VENV) -m ruff check --fix .
	$(PYTHON_IN_VENV) -m ruff format .

clean:  ## remove what the other targets made, but for .venv*
	rm -rf build dist $(WEIGHTS) .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
