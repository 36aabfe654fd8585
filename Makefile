# SPDX-License-Identifier: Apache-2.0
# make demo: a whole OpenStack on this machine, a container booted, used, snapshotted.   make test: every test.

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -q
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo test check lint types layers unit conformance functional cloud-test tempest-smoke \
        bench-start bench-server clean prepare-demo prepare-test prepare-bench

help:  ## What there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

demo: prepare-demo  ## A whole OpenStack from packages; boot, use and snapshot a container
	$(PYTHON) -m tools.demo

# A test on a real kernel, cloud or dockerd that fails is tried once more: the closing line counts those as rerun.
test: prepare-test check  ## Style, types, layers, then every test
	$(PYTEST) --reruns 1 --reruns-delay 3 tests

check: lint types layers  ## Style, types, layers

lint: prepare-test
	$(PYTHON) -m ruff check nova_container heat_container tools bench tests

types: prepare-test
	$(PYTHON) -m mypy

layers: prepare-test
	.venv/bin/lint-imports

unit: prepare-test  ## Unit tests
	$(PYTEST) tests/unit tests/test_architecture.py

conformance: prepare-test  ## The engine contract, on every engine
	$(PYTEST) tests/conformance

functional: prepare-test  ## Real crun, overlay, namespaces, sockets (root)
	$(PYTEST) tests/functional

cloud-test: prepare-test  ## In a whole OpenStack (root)
	$(PYTEST) tests/cloud

tempest-smoke: prepare-test  ## tempest's smoke tests against the minicloud
	$(PYTHON) -m tools.tempest_smoke

bench-start: prepare-bench  ## Start and removal against dockerd and podman
	$(PYTHON) -m bench.start

bench-server: prepare-bench  ## server create, reboot, snapshot, delete in a whole OpenStack
	$(PYTHON) -m bench.server

prepare-demo prepare-test prepare-bench:
	@tools/setup/prepare $(@:prepare-%=%)

clean:  ## Stop the minicloud and remove all that it and the tests made
	-tools/minicloud/minicloud wipe
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
