# SPDX-License-Identifier: Apache-2.0
"""Services die or stall at a random moment of a create or a delete: each server can be deleted, nothing is left."""

import os
import random
import signal
import time

import pytest

from tests.cloud import remains

SEED = int(os.environ.get('CLOUD_SEED', time.time_ns() % 100_000))
"""Printed if a test fails; CLOUD_SEED repeats its moments."""

CYCLES = [*(('engine', 'dies', number) for number in range(4)), *(('engine', 'stalls', number) for number in range(2)),
          *(('neutron-openvswitch-agent', 'stalls', number) for number in range(2)),
          *(('nova-compute', 'dies', number) for number in range(2))]


@pytest.mark.parametrize(('service', 'what', 'number'), CYCLES, ids=lambda value: str(value))
def test_nothing_is_left_if_it(service, what, number, project, admin, host, containers):
    moments = random.Random(f'{SEED}-{service}-{what}-{number}')
    wait_s = moments.uniform(0.2, 5)
    print(f'seed {SEED}: {service} {what} after {wait_s:.2f} s')
    before = remains.take(host, admin, containers)
    servers = [project.request() for _ in range(3)]
    time.sleep(wait_s)
    if moments.random() < 0.5:
        project.compute.delete_server(servers[0].id)
        time.sleep(moments.uniform(0, 0.5))
    if what == 'dies':
        host.kill(service)
        host.restart(service)
    else:
        host.send(service, signal.SIGSTOP)
        time.sleep(3)
        host.send(service, signal.SIGCONT)
    project.delete(*(server.id for server in servers))
    remains.assert_equal(before, host, admin, containers)
