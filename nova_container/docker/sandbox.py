# SPDX-License-Identifier: Apache-2.0
"""A network namespace from create to remove, on a Docker that has none between create and start.

An infra container, which does nothing, holds the namespace; the workload joins it by ``NetworkMode
container:<infra>``. Docker then refuses the workload a hostname, DNS and hosts of its own, and gives it
those of the infra container (moby ``daemon/container_operations_unix.go``, initializeNetworking), so they
are set there, and kept in a label of the workload for those who ask what it was made of.
"""

import contextlib
import dataclasses
import json
import secrets
import time
from typing import Any

from nova_container import errors
from nova_container.docker import infra_image
from nova_container.docker.base import Verbs, container_path
from nova_container.docker.wire import container as wire
from nova_container.docker.wire import listing, mounts
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import ContainerInfo, ContainerSpec, MountKind, NetworkMode, NetworkSpec

INFRA_LABEL = 'org.nova-container.infra'
SPEC_LABEL = 'org.nova-container.sandbox'
_JOINED = 'container:'
_ORPHAN_S = 60


class Sandboxes:
    """The infra containers of one Docker."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def create(self, spec: ContainerSpec) -> str:
        """Make the workload and, if it has a namespace of its own, the infra container that holds it."""
        if spec.network.mode is not NetworkMode.NAMESPACE:
            return self._create(spec.name, external_body(spec))
        self._discard_orphans()
        infra = self._start_infra(spec)
        body = external_body(dataclasses.replace(
            spec, hostname='', domainname='', network=NetworkSpec(mode=NetworkMode.CONTAINER, container=infra),
            labels={**spec.labels, SPEC_LABEL: _remembered(spec)}))
        try:
            return self._create(spec.name, body)
        except BaseException:
            with contextlib.suppress(errors.ContainerError):
                self.discard(infra)
            raise

    def _create(self, name: str, body: Json) -> str:
        answer = self._verbs.ask('POST', '/containers/create', query={'name': name}, document=body)
        return Document(answer.document()).text('Id')

    def _start_infra(self, spec: ContainerSpec) -> str:
        image = infra_image.ensure(self._verbs)
        holder = ContainerSpec(name='', image=image, hostname=spec.hostname, domainname=spec.domainname,
                               network=spec.network, restart=spec.restart,
                               labels={INFRA_LABEL: spec.name})
        infra = self._create(f'nova-container-infra-{secrets.token_hex(6)}', wire.create_body(holder))
        try:
            self._verbs.do('POST', container_path(infra, '/start'))
        except BaseException:
            with contextlib.suppress(errors.ContainerError):
                self.discard(infra)
            raise
        return infra

    def discard(self, infra: str) -> None:
        """Remove an infra container; silent if there is none."""
        with contextlib.suppress(errors.ContainerNotFound):
            self._verbs.do('DELETE', container_path(infra), query={'force': True, 'v': True})

    def _discard_orphans(self) -> None:
        """Remove infra containers whose workload is gone, as one that removes itself is."""
        rows = self._verbs.get('/containers/json', query={'all': True})
        joined = {listing.row_network_mode(row).removeprefix(_JOINED) for row in rows}
        for row in rows:
            old = listing.row_created_at(row) < time.time() - _ORPHAN_S
            if old and INFRA_LABEL in listing.row_labels(row) and listing.row_id(row) not in joined:
                self.discard(listing.row_id(row))

    def network_namespace(self, container: str) -> str:
        """The namespace of the infra container, by the file that Docker keeps open for it."""
        body = self._inspect(container)
        mode = _network_mode(body)
        if mode == 'host':
            raise errors.Unsupported(f'Container {container} shares the network of its host')
        if mode.startswith(_JOINED):
            self.ensure_running(container)
            body = self._inspect(mode.removeprefix(_JOINED))
        path = Document(body).document('NetworkSettings').text('SandboxKey')
        pid = Document(body).document('State').positive('Pid')
        if not path and pid is None:
            raise errors.WrongState(f'Container {container} has no network namespace until it is started')
        return path or f'/proc/{pid}/ns/net'

    def ensure_running(self, container: str) -> None:
        """Start the infra container of a workload again, should it have ended."""
        infra = self.infra_of(container)
        if infra is not None:
            self._verbs.do('POST', container_path(infra, '/start'))

    def infra_of(self, container: str) -> str | None:
        """The id of the infra container; None if the container has none of ours, or is not there."""
        try:
            body = self._inspect(container)
        except errors.ContainerNotFound:
            return None
        if SPEC_LABEL not in Document(body).document('Config').mapping('Labels'):
            return None
        return _network_mode(body).removeprefix(_JOINED)

    def workload_ids(self, rows: list[Json]) -> list[str]:
        """The ids in a list, without those of infra containers."""
        return [listing.row_id(row) for row in rows if INFRA_LABEL not in listing.row_labels(row)]

    def seen_from_outside(self, info: ContainerInfo) -> ContainerInfo:
        """What a workload was asked to be, without the means by which it is."""
        remembered = info.labels.get(SPEC_LABEL)
        if remembered is None:
            return info
        kept = Document(json.loads(remembered))
        labels = {name: value for name, value in info.labels.items() if name != SPEC_LABEL}
        network = NetworkSpec(dns=kept.texts('Dns'), dns_search=kept.texts('DnsSearch'),
                              dns_options=kept.texts('DnsOptions'), extra_hosts=kept.texts('ExtraHosts'))
        return dataclasses.replace(info, spec=dataclasses.replace(
            info.spec, labels=labels, network=network, hostname=kept.text('Hostname'),
            domainname=kept.text('Domainname')))

    def _inspect(self, container: str) -> Any:
        return self._verbs.get(container_path(container, '/json'))


def _network_mode(body: object) -> str:
    return Document(body).document('HostConfig').text('NetworkMode')


def _remembered(spec: ContainerSpec) -> str:
    network = spec.network
    return json.dumps({'Hostname': spec.hostname, 'Domainname': spec.domainname, 'Dns': network.dns,
                       'DnsSearch': network.dns_search, 'DnsOptions': network.dns_options,
                       'ExtraHosts': network.extra_hosts})


def external_body(spec: ContainerSpec) -> Json:
    """A create body for a Docker that is not ours: what it would silently ignore is said otherwise, or refused.

    :raises Unsupported: options of a bind.
    """
    body = wire.create_body(spec)
    tmpfs = [mount for mount in spec.mounts if mount.kind is MountKind.TMPFS and mount.options]
    if any(mount.options for mount in spec.mounts if mount.kind is MountKind.BIND):
        raise errors.Unsupported('A Docker Engine takes no options for a bind mount')
    if tmpfs:  # Mounts have options since API 1.46 only
        body['HostConfig']['Mounts'] = [mounts.mount_body(mount) for mount in spec.mounts if mount not in tmpfs]
        body['HostConfig']['Tmpfs'] = {mount.target: mounts.tmpfs_options(mount) for mount in tmpfs}
    return body
