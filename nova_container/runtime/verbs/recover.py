# SPDX-License-Identifier: Apache-2.0
"""At start-up: bring records and kernel together. The kernel says what runs, the record what is wanted."""

import contextlib
import logging

from nova_container import errors
from nova_container.host import cgroups, files, mounts, netns
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import Phase
from nova_container.runtime.verbs import end, remove, start

LOG = logging.getLogger(__name__)


def recover(parts: Parts) -> None:
    """Take up what was left by the engine before this one, and clear what it did not finish."""
    for container in parts.register.all():
        try:
            _take_up(parts, container)
        except errors.ContainerError as error:
            LOG.warning('Container %s could not be taken up: %s', container.id, error)
    _remove_orphans(parts)
    _restart_wanted(parts)


def _take_up(parts: Parts, container: Container) -> None:
    phase = container.record.phase
    if phase in (Phase.CREATING, Phase.REMOVING):
        LOG.info('Removed container %s, which was left %s', container.id, phase.value)
        remove.finish(parts, container)
    elif phase is Phase.STARTING:
        start.clear(parts, container)
        container.save(phase=Phase.IDLE, pid=None)
    elif phase is Phase.RUNNING:
        _take_up_running(parts, container)


def _take_up_running(parts: Parts, container: Container) -> None:
    process = container.process
    if process is not None and process.alive() and parts.watcher:
        container.paused = parts.cgroup(container).frozen()
        parts.watcher.watch(container.id, process)
        return
    end.ended(parts, container.id)


def _remove_orphans(parts: Parts) -> None:
    """Whatever bears the name of no container that is known."""
    settings = parts.settings
    short = {container.id[:16] for container in parts.register.all()}
    full = {container.id for container in parts.register.all()}
    for name in parts.oci.known() - full:
        with contextlib.suppress(errors.ContainerError):
            parts.oci.delete(name)
    for name in cgroups.children(settings.cgroup_parent) - full:
        cgroups.Cgroup(f'{settings.cgroup_parent}/{name}', parts.cgroup_version).remove()
    for path in settings.namespaces.iterdir():
        if path.name not in short:
            netns.remove(path)
    for folder in (settings.bundles, settings.containers):
        for path in folder.iterdir():
            if path.name not in short:
                for mount in mounts.below(path):
                    mounts.unmount(mount, detach=True)
                files.remove_tree(path)


def _restart_wanted(parts: Parts) -> None:
    """After a reboot of the host: containers whose policy is always, or unless-stopped and not stopped by hand."""
    for container in parts.register.all():
        record = container.record
        stopped = record.phase is Phase.IDLE and record.started_at is not None
        if stopped and not record.stop_wanted and record.spec.restart.name in ('always', 'unless-stopped'):
            try:
                with container.lock:
                    start.run(parts, container)
            except errors.ContainerError as error:
                LOG.warning('Container %s was not restarted: %s', container.id, error)
