# SPDX-License-Identifier: Apache-2.0
"""Signals to the first process: kill, stop, restart."""

import signal

from nova_container import errors
from nova_container.engine.state import Status
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import Phase
from nova_container.runtime.verbs import pause, start

_DEFAULT_GRACE_S = 10.0
_DEATH_S = 30.0


def number_of(name: str) -> int:
    """A signal's number, from SIGTERM, TERM or 15. :raises InvalidSpec:"""
    text = name.upper()
    try:
        number = int(text) if text.isdigit() else signal.Signals[text if text.startswith('SIG') else f'SIG{text}'].value
    except KeyError:
        number = -1
    if not 0 < number < 65:
        raise errors.InvalidSpec(f'{name} is not a signal: use a name of signal(7) such as SIGTERM, or a number')
    return number


def kill(parts: Parts, name: str, signal_name: str) -> None:
    """See ``ContainerOps.kill``."""
    number = number_of(signal_name)
    container = parts.register.get(name)
    if container.record.phase is Phase.STARTING:
        with container.lock:  # by its restart policy, maybe: then what it starts is killed
            pass
    container.must_be(container.status.active, 'kill')
    if number == signal.SIGKILL:
        container.save(stop_wanted=True)
    if _give_up_restart(container):
        return
    process = container.process
    if process is None or not process.send(number):
        if number == signal.SIGKILL and container.record.spec.restart.name != 'no':
            container.wait_until_not_alive(_DEATH_S)  # it ended by itself, and is not to be started again
            _give_up_restart(container)
            return
        raise errors.WrongState(f'Container {container.record.spec.name} has just ended: cannot kill')
    parts.publish(container, 'kill', {'signal': str(number)})
    if number == signal.SIGKILL:
        parts.cgroup(container).thaw()
        container.wait_until_not_alive(_DEATH_S)


def _give_up_restart(container: Container) -> bool:
    """Whether it waited for its restart, which will not be."""
    if container.status is not Status.RESTARTING:
        return False
    container.restarting = False
    container.tell()
    return True


def stop(parts: Parts, name: str, grace_s: float | None, signal_name: str) -> None:
    """See ``ContainerOps.stop``."""
    first = number_of(signal_name) if signal_name else None
    with parts.register.locked(name) as container:
        if container.status.alive:
            end_process(parts, container, grace_s, first)
            parts.publish(container, 'stop')
        elif not container.record.stop_wanted:
            container.save(stop_wanted=True)
        _give_up_restart(container)


def end_process(parts: Parts, container: Container, grace_s: float | None, first: int | None = None) -> None:
    """Stop signal, grace, SIGKILL; the container's lock is held. :raises HostFailure: it does not die.

    :param first: another stop signal than its own.
    """
    container.save(durable=False, stop_wanted=True)  # the record of the end, which is durable, makes it so
    if container.status is Status.PAUSED:
        pause.thaw(parts, container)
    parts.cgroup(container).thaw()  # a commit that failed may have left it frozen, and what is frozen does not die
    process = container.process
    if process is None:
        return
    grace = _grace_s(container) if grace_s is None else grace_s
    if grace > 0:
        process.send(first or number_of(container.record.spec.process.stop_signal or 'SIGTERM'))
    if grace <= 0 or not container.wait_until_not_alive(grace):
        process.send(signal.SIGKILL)
        if not container.wait_until_not_alive(_DEATH_S):
            raise errors.HostFailure(f'Container {container.record.spec.name} did not end within {_DEATH_S:g} s after '
                                     'SIGKILL: a process of it waits in the kernel')


def _grace_s(container: Container) -> float:
    asked = container.record.spec.process.stop_timeout_s
    return _DEFAULT_GRACE_S if asked is None else float(asked)


def restart(parts: Parts, name: str, grace_s: float | None, signal_name: str) -> None:
    """See ``ContainerOps.restart``."""
    first = number_of(signal_name) if signal_name else None
    with parts.register.locked(name) as container:
        if container.status.alive:
            end_process(parts, container, grace_s, first)
        start.run(parts, container)
        parts.publish(container, 'restart')

