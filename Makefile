# SPDX-License-Identifier: Apache-2.0
# make demo: a whole OpenStack on this machine, a container booted, used, snapshotted.   make test: every test.

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -q
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo test check lint types layers docs unit conformance functional cloud-test tempest-smoke \
        install-test fuzz-api fuzz-archives test-thousand bench-start bench-server bench-engine bench-store bench-heat \
        clean prepare-demo prepare-test prepare-bench

help:  ## What there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

demo: prepare-demo  ## A whole OpenStack from packages; boot, use and snapshot a container
	$(PYTHON) -m tools.demo

# Two side by side, as tests/conftest.py groups them. One that fails is tried once more: the closing line counts it as rerun.
test: prepare-test check  ## Style, types, layers, then every test
	$(PYTEST) -n 2 --reruns 1 --reruns-delay 3 tests

check: lint types layers docs  ## Style, types, layers, documentation

lint: prepare-test
	$(PYTHON) -m ruff check nova_container heat_container glance_store_container tools bench tests doc

types: prepare-test
	$(PYTHON) -m mypy

layers: prepare-test
	.venv/bin/lint-imports

docs: prepare-test  ## The documentation, into doc/build/html; any warning fails
	.venv/bin/sphinx-build -q -W --keep-going -b html doc/source doc/build/html

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

install-test: prepare-test  ## Install in a fresh Debian by the lines of etc/README.md, run a container (root, network)
	tools/chroot_install

fuzz-api: prepare-test  ## Odd requests to the engine's API for SECONDS (600); root
	$(PYTHON) -m tools.fuzz.api --seconds $(or $(SECONDS),600)

fuzz-archives: prepare-test  ## Mutated archives to load, import, copy, build for SECONDS (600); root
	$(PYTHON) -m tools.fuzz.archives --seconds $(or $(SECONDS),600)

test-thousand: prepare-test  ## 1,000 containers at once: lists, memory, execs, a new daemon, removal (root)
	NOVA_CONTAINER_MANY=1000 $(PYTEST) -s tests/functional/runtime/test_thousand.py

bench-start: prepare-bench  ## Start and removal against dockerd and podman
	$(PYTHON) -m bench.start

bench-engine: prepare-bench  ## Pull, load, build, ps, exec, logs and networks against dockerd (ARGS='--only exec')
	$(PYTHON) -m bench.engine $(ARGS)

bench-server: prepare-bench  ## server create, reboot, snapshot, delete in a whole OpenStack
	$(PYTHON) -m bench.server

bench-store: prepare-bench  ## Images that share a base, kept by Glance in the container store
	$(PYTHON) -m bench.store

bench-heat: prepare-bench  ## A hundred containers in one stack of a whole OpenStack, and Heat's own share
	$(PYTHON) -m bench.heat $(ARGS)

prepare-demo prepare-test prepare-bench:
	@tools/setup/prepare $(@:prepare-%=%)

clean:  ## Stop the minicloud and remove all that it and the tests made
	-tools/minicloud/minicloud wipe
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
