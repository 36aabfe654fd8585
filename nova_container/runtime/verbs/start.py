# SPDX-License-Identifier: Apache-2.0
"""Run the first process of a container."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from nova_container import errors
from nova_container.engine.spec import ContainerSpec
from nova_container.engine.health import STARTING
from nova_container.engine.state import ExitInfo, Health, Status
from nova_container.engine.undo import undo_on_error
from nova_container.host import cgroups, files, netns
from nova_container.host.pids import ProcessId
from nova_container.runtime import bundle, executables
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import Phase
from nova_container.runtime.verbs import mounting


def start(parts: Parts, name: str, take_away: Callable[[Container], None]) -> None:
    """See ``ContainerOps.start``. ``take_away`` removes one that goes when it ends, if it cannot be started."""
    with parts.register.locked(name) as container:
        if container.status is Status.RUNNING:
            return
        container.must_be(container.status.may_start, 'start: unpause it')
        try:
            run(parts, container)
        except errors.ContainerError as error:
            code = executables.code_of(error)
            if code is not None:
                container.save(exit=ExitInfo(code=code, error=str(error)))
            if container.record.spec.auto_remove:  # as in Docker, whose command waits for that
                take_away(container)
            raise


def run(parts: Parts, container: Container, *, restarts: int = 0) -> None:
    """Start one that is not alive; its lock is held. ``restarts`` is how often its policy has started it."""
    cgroups.expect_move(parts.cgroup_version)
    clear_leftovers(parts, container)
    _restore_after_reboot(parts, container)
    before = container.record
    container.restarting = False
    container.save(durable=False, phase=Phase.STARTING, stop_wanted=False)
    with undo_on_error() as undo:
        undo('record', lambda: container.save(phase=Phase.IDLE, pid=None, exit=before.exit,
                                              started_at=before.started_at))
        undo('process', lambda: clear(parts, container))
        undo('run', lambda: container.save(phase=Phase.STARTING))  # so that its end is none of a run
        undo('networks', lambda: parts.networks.ended(container))
        parts.networks.plug(container)
        _create_process(parts, container, restarts)
        parts.monitor.wait_ready(parts.bundle(container))
        _connect_waiting(parts, container)
        parts.oci(container).start(container.id, beside=container.record.pid)
    parts.publish(container, 'start')
    if parts.health is not None:
        parts.health.begin(container)


def clear_leftovers(parts: Parts, container: Container) -> None:
    """Take away what is left of the run before, if its end did not free all."""
    with container.ending:
        if parts.bundle(container).exists() or parts.oci(container).knows(container.id):
            _clear(parts, container)


def _restore_after_reboot(parts: Parts, container: Container) -> None:
    """Mounts and namespaces do not outlive the host: make them again where they are missing."""
    parts.folder(container).mount(parts.layers.lower(container.record.diff_ids))
    namespace = parts.namespace(container)
    if namespace is not None and not netns.exists(namespace):
        netns.remove(namespace)
        netns.create(namespace)


def _create_process(parts: Parts, container: Container, restarts: int) -> None:
    parts.monitor.exit_file(container.id).unlink(missing_ok=True)
    spec = container.record.spec
    mounting.make_ready(parts, container)
    config = bundle.config(parts, container)
    folder = bundle.write(parts, container, config)
    log = None if spec.log.driver == 'none' else parts.folder(container).log
    showing = [path for path in (parts.folder(container).root, parts.joined_namespace(container)) if path]
    try:
        pid = parts.monitor.create(parts.oci(container), container.id, folder, log, tty=spec.process.tty,
                                   stdin=spec.process.open_stdin, stdin_once=spec.process.stdin_once, showing=showing,
                                   shared=config['linux'].get('rootfsPropagation') == 'shared')
    except errors.HostFailure:
        _check_program(config, spec, config['root']['path'])
        raise
    if spec.init:  # which would end with 127, as if the program had
        _check_program(config, spec, f'/proc/{pid}/root')
    process = ProcessId.of(pid)
    if process is None:
        raise errors.HostFailure('The first process ended before it was started')
    container.health = health = Health(status=STARTING) if spec.health else None
    container.save(phase=Phase.RUNNING, pid=pid, started_ticks=process.started_ticks, started_at=time.time(),
                   exit=None, restart_count=restarts, health=health)
    if parts.watcher:
        parts.watcher.watch(container.id, process)


def _check_program(config: Mapping[str, Any], spec: ContainerSpec, root: str) -> None:
    """:raises InvalidSpec: the program is not there, or none."""
    process = config['process']
    program = process['args'][2 if spec.init else 0]
    executables.check(root, program, process['env'], process['cwd'])


def _connect_waiting(parts: Parts, container: Container) -> None:
    waiting, container.waiting_attachments = container.waiting_attachments, []
    for attachment in waiting:
        with contextlib.suppress(errors.Unavailable):
            attachment.connect(parts.bundle(container))


def clear(parts: Parts, container: Container) -> None:
    """Take away all that a run leaves: processes, the runtime's state, cgroups, the bundle. Repeatable."""
    with container.ending:  # what follows the end of the run before this one is done
        _clear(parts, container)
    waiting, container.waiting_attachments = container.waiting_attachments, []
    for attachment in waiting:
        attachment.close()


def forget_state(parts: Parts, container: Container) -> None:
    """Have the OCI runtime know nothing of it, even if it was uninstalled meanwhile."""
    try:
        oci = parts.oci(container)
    except errors.InvalidSpec:
        parts.runtimes.forget(container.record.spec.runtime, container.id)
        return
    if oci.knows(container.id):
        oci.delete(container.id)


def _clear(parts: Parts, container: Container) -> None:
    if parts.bundle(container).exists():
        parts.monitor.end(parts.bundle(container))
    process = container.process
    if process is not None:
        process.send(9)
        process.wait_end(5.0)
    forget_state(parts, container)
    parts.cgroup(container).remove()
    mounting.release(parts, container)
    files.remove_tree(parts.bundle(container))
    parts.monitor.exit_file(container.id).unlink(missing_ok=True)
