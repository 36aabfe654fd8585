# SPDX-License-Identifier: Apache-2.0
"""What follows when the first process of a container has ended."""

import contextlib
import dataclasses
import functools
import logging
import threading
import time

from nova_container import errors
from nova_container.engine.state import ExitInfo
from nova_container.host import files
from nova_container.host.pids import ProcessId
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import ContainerRecord, Phase
from nova_container.runtime.verbs import mounting, remove, start

LOG = logging.getLogger(__name__)

_LONGEST_DELAY_S = 60.0
_UNKNOWN_CODE = 255


def ended(parts: Parts, container_id: str) -> None:
    """Record the exit and free what the run held; then restart or remove, if the container is made so."""
    try:
        container = parts.register.get(container_id)
    except errors.NotFound:
        parts.monitor.exit_file(container_id).unlink(missing_ok=True)
        return
    with container.ending:
        if container.record.phase is not Phase.RUNNING:
            return
        process = container.process
        if process is not None and process.alive():
            _look_again(parts, container, process)
            return
        exit_info = _exit_info(parts, container)
        _free(parts, container)
        with container.changed:  # who waits for the end goes on when it is told in events
            ended = dataclasses.replace(container.record, exit=exit_info)
            container.restarting = not ended.spec.auto_remove and is_to_run_again(ended)
            container.record_end(exit_info)
            if exit_info.oom_killed:
                parts.publish(container, 'oom')
            parts.publish(container, 'die', {'exitCode': str(exit_info.code)})
        _free_notices(parts, container)
        mounting.release(parts, container)
    _follow(parts, container)


def _look_again(parts: Parts, container: Container, process: ProcessId) -> None:
    """The exit file was of a run before this one."""
    if parts.watcher:
        parts.watcher.watch(container.id, process)


def _exit_info(parts: Parts, container: Container) -> ExitInfo:
    found = parts.monitor.exit_code(container.id)
    oom = parts.monitor.oom_killed(parts.bundle(container))
    if found is None:
        return ExitInfo(code=_UNKNOWN_CODE, oom_killed=oom, finished_at=time.time(),
                        error='Its monitor or the host went down, so the exit code is not known')
    return ExitInfo(code=found[0], oom_killed=oom, finished_at=found[1])


def _free(parts: Parts, container: Container) -> None:
    """Let go of the processes that are left; what cannot be freed now is by the next start or removal."""
    for free in (functools.partial(start.forget_state, parts, container), parts.cgroup(container).remove,
                 functools.partial(parts.networks.ended, container)):
        try:
            free()
        except (errors.ContainerError, OSError):
            LOG.exception('What the run of container %s held could not be freed', container.id)


def _free_notices(parts: Parts, container: Container) -> None:
    """Exit code and notice of the out-of-memory killer, which are kept until they are in the record."""
    with contextlib.suppress(errors.HostFailure, OSError):
        files.remove_tree(parts.bundle(container))
        parts.monitor.exit_file(container.id).unlink(missing_ok=True)


def _follow(parts: Parts, container: Container) -> None:
    record = container.record
    if record.spec.auto_remove:
        remove.remove(parts, container.id, force=True)
        return
    if container.restarting:
        _restart_later(parts, container)


def is_to_run_again(record: ContainerRecord, *, at_boot: bool = False) -> bool:
    """Whether the restart policy wants one that has ended to run again.

    As in Docker, always means even if it was stopped by hand, once the engine starts.
    """
    policy = record.spec.restart
    if policy.name == 'always' and at_boot:
        return True
    if record.stop_wanted or policy.name not in ('always', 'unless-stopped', 'on-failure'):
        return False
    failed = record.exit is not None and record.exit.code != 0
    return policy.name != 'on-failure' or (
        failed and not 0 < policy.maximum_retries <= record.restart_count)


def _restart_later(parts: Parts, container: Container) -> None:
    """After 0.1 s, doubled with each restart; a run of over 10 s begins anew."""
    record = container.record
    ran_s = (record.exit.finished_at if record.exit else 0) - (record.started_at or 0)
    count = 0 if ran_s > 10 else record.restart_count
    timer = threading.Timer(min(0.1 * 2 ** min(count, 20), _LONGEST_DELAY_S), lambda: _restart(parts, container, timer))
    timer.daemon = True
    parts.timers.add(timer)
    timer.start()


def _restart(parts: Parts, container: Container, timer: threading.Timer) -> None:
    parts.timers.discard(timer)
    try:
        with parts.register.locked(container.id):
            if container.record.phase is Phase.IDLE and container.restarting:
                start.run(parts, container, restarts=container.record.restart_count + 1)
    except errors.ContainerNotFound:
        return
    except errors.ContainerError as error:
        LOG.warning('Container %s was not restarted: %s', container.id, error)
