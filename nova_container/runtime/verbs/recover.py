# SPDX-License-Identifier: Apache-2.0
"""At start-up: bring records and kernel together. The kernel says what runs, the record what is wanted."""

import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from nova_container import errors
from nova_container.host import cgroups, files, mounts, netns
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import Phase
from nova_container.runtime.verbs import end, images, mounting, remove, start

LOG = logging.getLogger(__name__)


def recover(parts: Parts) -> None:
    """Take up what was left by the engine before this one, and clear what it did not finish."""
    parts.volumes.recover()
    for container in parts.register.all():
        try:
            _take_up(parts, container)
        except (errors.ContainerError, OSError) as error:
            LOG.warning('Container %s could not be taken up: %s', container.id, error)
    parts.networks.open()
    _remove_orphans(parts)
    mounting.deactivate_unused(parts)
    images.collect(parts)
    _restart_wanted(parts)


def _take_up(parts: Parts, container: Container) -> None:
    phase = container.record.phase
    if phase in (Phase.CREATING, Phase.REMOVING):
        LOG.info('Removed container %s, which was left %s', container.id, phase.value)
        remove.finish(parts, container, volumes=phase is Phase.CREATING)
    elif phase is Phase.STARTING:
        start.clear(parts, container)
        container.save(phase=Phase.IDLE, pid=None)
    elif phase is Phase.IDLE:
        start.clear_leftovers(parts, container)
    else:
        _take_up_running(parts, container)


def _take_up_running(parts: Parts, container: Container) -> None:
    mounting.take_up(container)
    process = container.process
    if process is None or not process.alive() or parts.watcher is None:
        end.ended(parts, container.id)
        return
    cgroup = parts.cgroup(container)
    container.paused = container.record.pause_wanted
    if container.paused and not cgroup.frozen():
        cgroup.freeze()
    elif not container.paused:
        cgroup.thaw()  # it was frozen for a commit
    parts.watcher.watch(container.id, process)
    if parts.health is not None:
        parts.health.begin(container, known=container.record.health)


def _remove_orphans(parts: Parts) -> None:
    """Whatever bears the name of no container that is known."""
    known = {container.id for container in parts.register.all()}
    short = {container_id[:16] for container_id in known}
    for what, remove_orphan in _orphans(parts, known, short):
        try:
            remove_orphan()
            LOG.info('Removed %s, which no record names', what)
        except (errors.ContainerError, OSError) as error:
            LOG.warning('%s, which no record names, could not be removed: %s', what, error)


def _orphans(parts: Parts, known: set[str], short: set[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What there is and how it is removed: first what runs, then what that holds."""
    settings = parts.settings
    for path in _not_named(settings.bundles, short):
        yield f'the monitor of {path}', functools.partial(parts.monitor.end, path)
    for oci in parts.runtimes.used():
        for name in oci.known() - known:
            yield f'the state of {name}', functools.partial(oci.delete, name)
    for name in cgroups.children(settings.cgroup_parent) - known:
        group = cgroups.Cgroup(f'{settings.cgroup_parent}/{name}', parts.cgroup_version)
        yield f'the control group {group.path}', group.remove
    for path in _not_named(settings.namespaces, short):
        yield f'the namespace {path}', functools.partial(netns.remove, path)
    for path in (*_not_named(settings.exits, known), *_not_named(settings.bundles, short),
                 *_not_named(settings.containers, short), *settings.builds.glob('build-*')):
        yield f'{path}', functools.partial(_remove_path, path)


def _not_named(folder: Path, names: set[str]) -> list[Path]:
    return [path for path in folder.iterdir() if path.name not in names]


def _remove_path(path: Path) -> None:
    for mount in mounts.below(path):
        mounts.unmount(mount, detach=True)
    if path.is_dir() and not path.is_symlink():
        files.remove_tree(path)
    else:
        path.unlink()


def _restart_wanted(parts: Parts) -> None:
    """After the engine or the host went down: those that their restart policy wants to run."""
    for container in parts.register.all():
        record = container.record
        stopped = record.phase is Phase.IDLE and record.started_at is not None
        if stopped and end.is_to_run_again(record, at_boot=True):
            try:
                with container.lock:
                    start.run(parts, container)
            except errors.ContainerError as error:
                LOG.warning('Container %s was not restarted: %s', container.id, error)
