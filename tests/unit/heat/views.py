# SPDX-License-Identifier: Apache-2.0
"""A shared engine as stacks of two projects see it."""

from heat_container import endpoints, guard, ownership
from nova_container.docker.policy import Level
from nova_container.engine import ContainerSpec, ProcessSpec

OURS, THEIRS = 'ours', 'theirs'


def wanted(name='c', **fields):
    return ContainerSpec(name=name, image='busybox', **fields)


def running(**fields):
    return wanted(process=ProcessSpec(command=('sleep', '600')), **fields)


def view(engine, project=OURS, level=Level.BASELINE, granted=(), **more):
    """The engine as a stack of a project sees it."""
    beside, infra = more.pop('beside', ''), more.pop('infra_image', '')
    place = endpoints.Endpoint(name='edge', url='unix:///x', level=level, infra_image=infra,
                               limits=endpoints.Limits(**more))
    return guard.guarded(engine, place, guard.Caller(
        project_id=project, labels=ownership.labels(project, 'stack', 'web', 'c', 'uuid'),
        granted=set(granted).__contains__, beside=beside))
