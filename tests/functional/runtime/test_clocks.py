# SPDX-License-Identifier: Apache-2.0
"""Time since boot is time since the start, for a container."""

import time

import pytest

from nova_container.engine import spec as specs
from tests.conformance import conftest as conformance
from tests.conformance.builtin import opened_engine

pytestmark = pytest.mark.root

image_archive, image = conformance.image_archive, conformance.image


@pytest.fixture(scope='module')
def engine():
    with opened_engine() as (made, _):
        yield made


def uptime_s(engine, container):
    said = engine.exec(container, specs.ExecSpec(command=('cat', '/proc/uptime'))).stdout
    return float(said.split()[0])


def test_uptime_begins_with_the_container_and_again_with_a_restart(engine, image):
    container = engine.create(specs.ContainerSpec(name='clock', image=image,
                                                  process=specs.ProcessSpec(command=('sleep', '600'))))
    try:
        engine.start(container)
        started = time.monotonic()
        time.sleep(2)
        assert 1 <= uptime_s(engine, container) <= time.monotonic() - started + 2
        engine.restart(container, grace_s=0)
        assert uptime_s(engine, container) < 2
        engine.update(container, specs.Resources(pids_limit=99))
        assert engine.usage(container).pids_limit == 99
    finally:
        engine.remove(container, force=True)
