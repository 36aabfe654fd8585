# SPDX-License-Identifier: Apache-2.0
"""What the driver lays ready for a spawn, and what it refuses to leave out in silence."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from nova.network import neutron
from nova.virt import configdrive
from nova.virt import driver as nova_driver

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.virt import plugging
from nova_container.virt.translate import container as translate
from nova_container.virt.translate import flavor

_ACTIVE = 'ACTIVE'


def refuse_what_is_missing(instance: Any, block_device_info: Any) -> None:
    """:raises InvalidSpec: the server asks for something that containers do not have yet."""
    if configdrive.required_by(instance):
        raise errors.InvalidSpec('containers have no config drive; leave it out, the metadata service at '
                                 '169.254.169.254 has the same')
    if nova_driver.block_device_info_get_mapping(block_device_info):
        raise errors.InvalidSpec('containers take no volumes; boot from an image, without --volume and '
                                 '--block-device')
    if nova_driver.block_device_info_get_ephemerals(block_device_info):
        raise errors.InvalidSpec('containers have no ephemeral disk; choose a flavor without one')


def description(instance: Any, image_meta: Any, network_info: Sequence[Any] | None, host: str,
                policy: flavor.Policy) -> Callable[[str], specs.ContainerSpec]:
    """What makes the spec, once the engine's reference of the image is known."""
    return lambda reference: translate.container_spec(
        instance, reference, network_info if network_info is not None else (), host=host, policy=policy,
        command_line=image_meta.properties.get('os_command_line'))


def waiting(virtapi: Any, context: Any, instance: Any, network_info: Sequence[Any] | None, conf: Any, *,
            power_on: bool) -> Callable[[], AbstractContextManager[None]]:
    """What waits for Neutron around the plugging; nothing if the server is not to run yet."""
    if not power_on or not conf.vif_plugging_timeout:
        return contextlib.nullcontext
    return lambda: plugging.waited_for(
        virtapi, instance, network_info if network_info is not None else (),
        is_active=lambda port: is_active(context, port), timeout_s=conf.vif_plugging_timeout,
        is_fatal=conf.vif_plugging_is_fatal)


def is_active(context: Any, port: str) -> bool:
    """Whether Neutron says that a port is up."""
    return neutron.API().show_port(context, port)['port']['status'] == _ACTIVE
