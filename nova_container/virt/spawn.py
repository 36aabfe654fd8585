# SPDX-License-Identifier: Apache-2.0
"""A server is made: image, container, files, wires, Neutron's word, start. A failure leaves nothing."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from oslo_log import log as logging

from nova_container import errors
from nova_container.engine import Feature
from nova_container.engine import spec as specs
from nova_container.engine import undo as undoing
from nova_container.virt import connection, failures, injection
from nova_container.virt.steps import Steps
from nova_container.virt.translate import reaper

LOG = logging.getLogger(__name__)
_RESTART_S = 30.0
"""How long an engine is waited for that died during a spawn."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a spawn needs. ``describe`` is called once the image is here: Nova allocates networks meanwhile."""

    instance: Any
    network_info: Sequence[Any]
    image: Callable[[], str]
    describe: Callable[[str], specs.ContainerSpec]
    waited_for: Callable[[], AbstractContextManager[None]]
    plugged: Callable[[], None] = lambda: None
    files: Sequence[tuple[str, Any]] = ()
    power_on: bool = True


def run(engine: Any, vifs: Any, order: Order) -> None:
    """Carry out the order.

    :raises ContainerError: a step failed.
    :raises NovaException: Neutron failed, or did not answer in time.
    """
    instance, timer = order.instance, Steps()
    with undoing.undo_on_error() as undo:
        with timer.timed('image'):
            reference = order.image()
        with timer.timed('network'):
            spec = order.describe(reference)
        with timer.timed('create'):
            _create(engine, order, spec, reference, undo)
        injection.copy_in(engine, instance.uuid, order.files)
        undo('interfaces', lambda: vifs.unplug(instance, order.network_info))
        _plug(engine, vifs, order, timer)
        if order.power_on:
            with timer.timed('start'):
                engine.start(instance.uuid)
    LOG.info('Spawned in %s', timer, instance=instance)


def _create(engine: Any, order: Order, spec: specs.ContainerSpec, reference: str, undo: undoing.Undo) -> None:
    try:
        _create_reaped(engine, spec, reference, undo)
    except errors.ImageNotFound:                        # pruned since it was looked for
        reference = order.image()
        _create_reaped(engine, order.describe(reference), reference, undo)


def _create_reaped(engine: Any, spec: specs.ContainerSpec, reference: str, undo: undoing.Undo) -> None:
    if Feature.REAPER in engine.info().features:
        spec = reaper.with_reaper(spec, engine.inspect_image(reference).config)
    try:
        engine.create(spec)
    except errors.Unavailable:                          # it may be made, and only the answer be lost
        undo('container', lambda: _remove(engine, spec.name))
        raise
    undo('container', lambda: _remove(engine, spec.name))


def _remove(engine: Any, name: str) -> None:
    """Remove what was begun, by an engine started anew if it died: Nova goes on to another host."""
    try:
        engine.remove(name, force=True)
    except errors.Unavailable:
        connection.wait(engine, timeout_s=_RESTART_S)
        engine.remove(name, force=True)


def _plug(engine: Any, vifs: Any, order: Order, timer: Steps) -> None:
    """Wire every port; the time until Neutron's word, less the wiring, is the wait."""
    instance = order.instance
    with timer.waiting('wait'), order.waited_for():
        with timer.timed('plug'), failures.as_plugging(instance):
            vifs.plug(instance, order.network_info, engine.network_namespace(instance.uuid))
        order.plugged()
