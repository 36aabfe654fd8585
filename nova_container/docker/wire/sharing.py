# SPDX-License-Identifier: Apache-2.0
"""Namespaces, the control group, and what is for the OCI runtime <-> the fields of HostConfig and Config."""

from typing import Any

from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs

_MODES = {'PidMode': 'pid', 'IpcMode': 'ipc', 'UTSMode': 'uts', 'UsernsMode': 'user', 'CgroupnsMode': 'cgroup'}
_OWN_IPC = 'private'


def sharing_body(sharing: specs.Sharing) -> Json:
    """The modes that say something; one of its own is what is there if nothing is said."""
    return without_none({name: getattr(sharing, field) or None for name, field in _MODES.items()})


def sharing_of(host: Document) -> specs.Sharing:
    found = {field: host.text(name) for name, field in _MODES.items()}
    if found['ipc'] == _OWN_IPC:
        found['ipc'] = ''
    return specs.Sharing(**found)


def runtime_body(spec: specs.ContainerSpec) -> Json:
    """What HostConfig holds for the OCI runtime."""
    return without_none({
        'CgroupParent': spec.cgroup_parent or None, 'DeviceCgroupRules': list(spec.device_rules) or None,
        'Annotations': dict(spec.annotations) or None, 'Runtime': spec.runtime or None})


def image_body(spec: specs.ContainerSpec) -> Json:
    """What Config holds for images made of the container."""
    return without_none({'Shell': list(spec.shell) or None, 'OnBuild': list(spec.on_build) or None})


def fields_of(config: Document, host: Document) -> dict[str, Any]:
    """The fields of a spec that this module knows, by their names."""
    return {'sharing': sharing_of(host), 'cgroup_parent': host.text('CgroupParent'),
            'device_rules': host.texts('DeviceCgroupRules'), 'annotations': host.mapping('Annotations'),
            'runtime': host.text('Runtime'), 'shell': config.texts('Shell'), 'on_build': config.texts('OnBuild')}
