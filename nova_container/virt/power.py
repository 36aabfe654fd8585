# SPDX-License-Identifier: Apache-2.0
"""The states of a container in Nova's words, and the ways from one to another."""

from collections.abc import Callable
from typing import Any

from nova.compute import power_state
from nova.virt import hardware
from oslo_log import log as logging

from nova_container import errors
from nova_container.engine import state
from nova_container.host import netlink
from nova_container.virt import stopping

LOG = logging.getLogger(__name__)
REBOOT_S = 10.0
"""How long a soft reboot waits, as Docker does."""

_POWER_STATES = {
    state.Status.RUNNING: power_state.RUNNING,
    state.Status.PAUSED: power_state.PAUSED,
    state.Status.RESTARTING: power_state.RUNNING,
    state.Status.CREATED: power_state.SHUTDOWN,
    state.Status.STOPPED: power_state.SHUTDOWN,
}


def info(container: state.ContainerInfo) -> hardware.InstanceInfo:
    """What Nova asks for. A container that ran out of memory has crashed; any other end is a shutdown."""
    crashed = container.status is state.Status.STOPPED and container.exit is not None and container.exit.oom_killed
    return hardware.InstanceInfo(state=power_state.CRASHED if crashed else _POWER_STATES[container.status],
                                 internal_id=container.id)


def off(engine: Any, instance: Any, timeout_s: float) -> None:
    """Stop it: the stop signal, ``timeout_s`` at most, then kill. Silent if it is stopped.

    A paused container is thawed first, so that it can hear the signal.
    """
    container = engine.inspect(instance.uuid)
    if container.status is state.Status.PAUSED and timeout_s:
        engine.unpause(instance.uuid)
    engine.stop(instance.uuid, grace_s=stopping.grace_s(engine, container, timeout_s))


def kill(engine: Any, instance: Any) -> None:
    """End it at once. Silent if there is none."""
    try:
        engine.stop(instance.uuid, grace_s=0)
    except errors.ContainerNotFound:
        LOG.info('There is no container to destroy', instance=instance)


def on(engine: Any, instance: Any, plug: Callable[[], None]) -> None:
    """Wire it, as the host may have been booted since, and start it. Silent if it runs; thaws it if it is paused."""
    if engine.inspect(instance.uuid).status is state.Status.PAUSED:
        engine.unpause(instance.uuid)
        return
    _start_wired(engine, instance, plug)


def reboot_softly(engine: Any, instance: Any, plug: Callable[[], None]) -> None:
    """Stop by signal and start again; one that does not run is rebooted hard."""
    container = engine.inspect(instance.uuid)
    if container.status is not state.Status.RUNNING:
        reboot_hard(engine, instance, plug)
        return
    plug()
    engine.restart(instance.uuid, grace_s=stopping.grace_s(engine, container, REBOOT_S))


def reboot_hard(engine: Any, instance: Any, plug: Callable[[], None]) -> None:
    """Kill, wire anew, start: it runs afterwards whatever it was before."""
    engine.stop(instance.uuid, grace_s=0)
    _start_wired(engine, instance, plug)


def _start_wired(engine: Any, instance: Any, plug: Callable[[], None]) -> None:
    """Wire, then start. After a boot of the host an engine may make the namespace only when it starts."""
    try:
        plug()
    except (netlink.Missing, errors.WrongState):
        LOG.info('The network namespace was lost, wiring once it is made again', instance=instance)
        engine.start(instance.uuid)
        plug()
    else:
        engine.start(instance.uuid)
