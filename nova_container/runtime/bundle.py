# SPDX-License-Identifier: Apache-2.0
"""A container's OCI bundle: the values that config.json follows from, and the file itself."""

import dataclasses
import functools
import json
import os
import resource
from pathlib import Path
from typing import Any

from nova_container.engine.spec import Device
from nova_container.host import process
from nova_container.runtime import capabilities, oci_config, seccomp_custom, seccomp_profile, shared, sources, users
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts


def describe(parts: Parts, container: Container) -> oci_config.Bundle:
    """Everything that config.json follows from. :raises InvalidSpec: the user or command cannot be."""
    spec = container.record.spec
    folder = parts.folder(container)
    image_config = parts.images.config_of(container.record.image_id)
    granted = capabilities.effective(spec.security.cap_add, spec.security.cap_drop, spec.security.privileged,
                                     _host_capabilities())
    security = spec.security
    confined = not (security.privileged or security.seccomp_unconfined)
    compiled = parts.oci(container).takes_seccomp_program and not security.seccomp_profile
    namespace = parts.joined_namespace(container)
    return oci_config.Bundle(
        container_id=container.id, spec=dataclasses.replace(
            spec, hostname=parts.hostname(container), mounts=sources.as_binds(parts, container),
            devices=tuple(each for device in spec.devices for each in _nodes(device))),
        image_config=image_config, rootfs=str(folder.root),
        identity=users.resolve(str(folder.root), spec.process.user or '', spec.security.groups),
        network_namespace=str(namespace) if namespace else None, etc_dir=str(folder.etc),
        cgroup_path=parts.cgroup(container).path, cgroup_version=parts.cgroup_version,
        init_path=process.find(parts.settings.init) if spec.init else None,
        seccomp_bpf=_program(granted) if confined and compiled else None,
        seccomp_json=_policy(granted, security.seccomp_profile) if confined and not compiled else None,
        host_capabilities=_host_capabilities(), host_devices=_host_devices() if spec.security.privileged else (),
        host_masked_paths=_masked_paths(), host_open_files=_open_files(),
        joined=shared.namespaces(parts, container), shm_source=shared.memory(parts, container))


def config(parts: Parts, container: Container) -> dict[str, Any]:
    """config.json of a container. :raises InvalidSpec: something in it cannot be."""
    return oci_config.config(describe(parts, container))


def write(parts: Parts, container: Container, content: dict[str, Any]) -> Path:
    """Make the bundle's folder with its config.json, which may hold secrets and is for root alone."""
    folder = parts.bundle(container)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / 'config.json', os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, 'wb') as file:
        file.write(json.dumps(content).encode())
    return folder


@functools.cache
def _host_capabilities() -> frozenset[str]:
    return capabilities.of_this_host()


@functools.cache
def _masked_paths() -> tuple[str, ...]:
    """What Docker masks for each processor (moby daemon/pkg/oci/defaults.go)."""
    return tuple(sorted(str(path) for path in Path('/sys/devices/system/cpu').glob('cpu[0-9]*/thermal_throttle')))


@functools.cache
def _open_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@functools.cache
def _program(granted: frozenset[str]) -> bytes:
    return seccomp_profile.program_for(granted)


@functools.lru_cache(64)
def _policy(granted: frozenset[str], own: str) -> dict[str, Any]:
    return seccomp_custom.as_oci(own, granted) if own else seccomp_profile.as_oci(granted)


def _host_devices() -> tuple[Device, ...]:
    """Every device node of the host, for a privileged container."""
    found = []
    for directory, _, names in os.walk('/dev'):
        if directory.startswith(('/dev/pts', '/dev/shm', '/dev/mqueue')):
            continue
        for name in names:
            path = os.path.join(directory, name)
            if os.path.exists(path) and not os.path.islink(path) and path not in ('/dev/console', '/dev/ptmx'):
                found.append(path)
    return tuple(Device(path_on_host=path, path_in_container=path) for path in found if _is_device(path))


def _nodes(device: Device) -> list[Device]:
    """The device, or those in it if it is a folder, such as /dev/snd."""
    found = [Device(path_on_host=path, path_in_container=f'{device.path_in_container}{path[len(device.path_on_host):]}',
                    permissions=device.permissions)
             for folder, _, names in os.walk(device.path_on_host) for name in sorted(names)
             if _is_device(path := os.path.join(folder, name))]
    return found or [device]


def _is_device(path: str) -> bool:
    try:
        return os.stat(path).st_rdev != 0
    except OSError:
        return False

