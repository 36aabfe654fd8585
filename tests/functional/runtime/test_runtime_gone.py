# SPDX-License-Identifier: Apache-2.0
"""Containers outlive the OCI runtime that was to run them: they are stopped and removed without it."""

import shutil

import pytest

from nova_container import errors
from nova_container.engine import Status
from nova_container.runtime import runtimes
from tests.conformance import presence
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root


@pytest.fixture
def uninstall(monkeypatch, engine, settings):
    presence.require_program('runc')

    def act():
        here = runtimes.Runtimes._is_here
        monkeypatch.setattr(runtimes.Runtimes, '_is_here', lambda self, name: name != 'runc' and here(self, name))

    yield act
    shutil.rmtree(settings.run_dir / 'oci-runc', ignore_errors=True)  # which a runtime leaves, empty


@pytest.mark.parametrize('running', [False, True])
def test_a_container_is_removed_after_its_runtime_was_uninstalled(engine, settings, uninstall, running):
    container = engine.create(spec_of('sleep', '600', runtime='runc'))
    if running:
        engine.start(container)
    uninstall()
    assert 'runc' not in engine.info().runtimes
    engine.remove(container, force=True)
    assert engine.list() == ()
    assert not (settings.run_dir / 'oci-runc' / container).exists()


def test_one_that_ends_by_itself_is_recorded_and_cannot_be_started(engine, uninstall):
    container = engine.create(spec_of('sleep', '0.5', runtime='runc'))
    engine.start(container)
    uninstall()
    assert engine.wait(container, timeout_s=20).code == 0
    assert engine.inspect(container).status is Status.STOPPED
    with pytest.raises(errors.InvalidSpec, match='runc'):
        engine.start(container)
    engine.remove(container)


def test_an_engine_that_starts_without_it_takes_up_what_runs(engine, settings, uninstall):
    container = engine.create(spec_of('sleep', '600', runtime='runc'))
    engine.start(container)
    engine.close()
    uninstall()
    engine.open()
    assert engine.inspect(container).status is Status.RUNNING
    engine.remove(container, force=True)
    assert engine.list() == ()
