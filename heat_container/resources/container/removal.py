# SPDX-License-Identifier: Apache-2.0
"""How a container ends: stopped as it asked to be, and removed."""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from heat_container import names
from heat_container.resources.base import DockerResource
from heat_container.resources.container.making import hook_of
from heat_container.resources.container.steps import Waits, beside
from nova_container import errors
from nova_container.engine import ContainerInfo, Engine, ExecSpec, Status, execution

LOG = logging.getLogger(__name__)


def remove(resource: DockerResource, props: Mapping[str, Any]) -> Waits:
    """Stop and remove it; silent if it is gone. One whose id was never kept is found by its labels."""
    try:
        engine = resource.engine()
    except errors.InvalidRequest:
        if resource.resource_id is None:  # it never had an endpoint
            return
        raise
    info = find(resource, engine)
    if info is None:
        return
    resource.check_owner(info.labels)
    volumes = bool(props['remove_volumes'])

    def work(stop: threading.Event) -> None:
        _stop(engine, info, hook_of(props, 'pre_stop'), _timeout(props), stop)
        engine.remove(info.id, force=True, volumes=volumes)
    yield from beside(resource, work)


def stop(resource: DockerResource, info: ContainerInfo, props: Mapping[str, Any]) -> Waits:
    """Run the hook, then stop it."""
    engine = resource.engine()
    yield from beside(resource, lambda given_up: _stop(engine, info, hook_of(props, 'pre_stop'), _timeout(props),
                                                       given_up))


def find(resource: DockerResource, engine: Engine) -> ContainerInfo | None:
    """The container of a resource, if there is one."""
    if resource.resource_id:
        try:
            return engine.inspect(resource.resource_id)
        except errors.ContainerNotFound:
            return None
    if resource.uuid is None:
        return None
    return next(iter(engine.list(labels={names.RESOURCE_UUID: resource.uuid})), None)


def _stop(engine: Engine, info: ContainerInfo, hook: tuple[str, ...], timeout_s: float,
          given_up: threading.Event) -> None:
    if hook and info.status is Status.RUNNING:
        try:
            execution.run(engine, info.id, ExecSpec(command=hook), timeout_s=timeout_s, limit_bytes=4096, stop=given_up)
        except errors.ContainerError as error:
            LOG.warning('The hook pre_stop of container %s failed: %s', info.id, error)
    try:
        engine.stop(info.id)
    except errors.ContainerNotFound:
        LOG.info('Container %s was gone already', info.id)


def _timeout(props: Mapping[str, Any]) -> float:
    return float((props['hooks'] or {}).get('timeout') or 60)
