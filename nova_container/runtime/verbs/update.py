# SPDX-License-Identifier: Apache-2.0
"""Change the limits of a container."""

import dataclasses

from nova_container import errors
from nova_container.engine import validate
from nova_container.engine.spec import Resources, RestartPolicy
from nova_container.runtime import oci_config, refused_limits
from nova_container.runtime.parts import Parts


def update(parts: Parts, name: str, resources: Resources, restart: RestartPolicy | None) -> None:
    """See ``ContainerOps.update``."""
    with parts.register.locked(name) as container:
        old = container.record.spec
        spec = dataclasses.replace(old, resources=_laid_over(old.resources, resources),
                                   restart=restart or old.restart)
        validate.check(spec)
        refused_limits.check(resources, parts.cgroup_version, parts.disk_limits)
        if resources.root_size_bytes not in (None, old.resources.root_size_bytes):
            raise errors.Unsupported('StorageOpt.size (root_size_bytes) is set at create: leave it out')
        if container.status.alive and spec.resources != old.resources:
            changed = dataclasses.replace(spec.resources, root_size_bytes=None)
            parts.oci(container).update(container.id, oci_config.resources(changed, parts.cgroup_version),
                             beside=container.record.pid)
        container.save(spec=spec)
        parts.publish(container, 'update')


def _laid_over(old: Resources, new: Resources) -> Resources:
    given = {field.name: getattr(new, field.name) for field in dataclasses.fields(new)
             if getattr(new, field.name) not in (None, (), False)}
    return dataclasses.replace(old, **given)


def rename(parts: Parts, name: str, new: str) -> None:
    """See ``ContainerOps.rename``."""
    with parts.register.locked(name) as container:
        validate.check(dataclasses.replace(container.record.spec, name=new))
        old = container.record.spec.name
        parts.register.rename(container, new)
        parts.publish(container, 'rename', {'oldName': old})
