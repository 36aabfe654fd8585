# SPDX-License-Identifier: Apache-2.0
"""What a container shares with another: its processes' namespaces, and shared memory."""

from nova_container import errors
from nova_container.engine.spec import ContainerSpec
from nova_container.host import cgroups, mounts
from nova_container.runtime import oci_sharing
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts

_REALTIME_PERIOD_US = 1_000_000  # the kernel's default
_SHM = 'nosuid,noexec,nodev,mode=1777'


def check(parts: Parts, spec: ContainerSpec) -> None:
    """:raises ContainerNotFound: a container to join is not here. :raises InvalidSpec: it does not share."""
    for mode in (spec.sharing.pid, spec.sharing.ipc):
        name = oci_sharing.donor(mode)
        if name is not None:
            found = parts.register.get(name)
            if mode == spec.sharing.ipc:
                _must_share_memory(found)


def namespaces(parts: Parts, container: Container) -> dict[str, str]:
    """Paths of the namespaces of others that it joins."""
    sharing = container.record.spec.sharing
    found = {}
    for kind, mode in (('pid', sharing.pid), ('ipc', sharing.ipc)):
        name = oci_sharing.donor(mode)
        if name is not None:  # of one that does not run, a path that is not there
            found[kind] = f'/proc/{parts.register.get(name).record.pid or 0}/ns/{kind}'
    return found


def memory(parts: Parts, container: Container) -> str | None:
    """The folder of shared memory that it shows others, or that another shows it; None if it has its own alone."""
    mode = container.record.spec.sharing.ipc
    if mode == oci_sharing.SHAREABLE:
        return str(parts.folder(container).shm)
    name = oci_sharing.donor(mode)
    return None if name is None else str(parts.folder(parts.register.get(name)).shm)


def make_ready(parts: Parts, container: Container) -> None:
    """Before a start: mount the memory it shares, and see that those it joins run.

    :raises WrongState: one does not.  :raises HostFailure: there is no room for real-time scheduling.
    """
    spec = container.record.spec
    for mode in (spec.sharing.pid, spec.sharing.ipc):
        name = oci_sharing.donor(mode)
        if name is not None:
            found = parts.register.get(name)
            found.must_be(found.status.alive, 'be joined: start it first')
            if mode == spec.sharing.ipc:
                _must_share_memory(found)
    folder = parts.folder(container).shm
    if spec.sharing.ipc == oci_sharing.SHAREABLE and not mounts.is_mount(folder):
        folder.mkdir(exist_ok=True)
        mounts.mount_filesystem('shm', folder, kind='tmpfs', options=f'{_SHM},size={spec.shm_bytes}')
    limits = spec.resources
    if limits.realtime_runtime_us:
        share = limits.realtime_runtime_us / (limits.realtime_period_us or _REALTIME_PERIOD_US)
        cgroups.allow_realtime(parts.cgroup_parent(container), share)


def _must_share_memory(found: Container) -> None:
    if found.record.spec.sharing.ipc != oci_sharing.SHAREABLE:
        raise errors.InvalidSpec(f'sharing: container {found.record.spec.name} does not share its memory: give it the '
                                 'IPC mode shareable')
