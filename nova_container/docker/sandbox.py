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
from nova_container.docker import attached, infra_image
from nova_container.docker.base import Verbs, container_path
from nova_container.docker.wire import container as wire
from nova_container.docker.wire import listing, mounts
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import ContainerInfo, ContainerSpec, MountKind, NetworkMode, NetworkSpec, RestartPolicy
from nova_container.engine.undo import undo_on_error

INFRA_LABEL = 'org.nova-container.infra'
SPEC_LABEL = 'org.nova-container.sandbox'
_JOINED = 'container:'
_ORPHAN_S = 60
_PIDS = 2048


class Sandboxes:
    """The infra containers of one Docker."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def create(self, spec: ContainerSpec) -> str:
        """Make the workload and, if it has a namespace of its own, the infra container that holds it.

        The workload is first, for its id is its hostname unless it has one; Docker looks for the infra
        container at start only.
        """
        if spec.network.mode is not NetworkMode.NAMESPACE:
            return self._create_attached(spec)
        self._discard_orphans()
        infra = f'nova-container-infra-{secrets.token_hex(8)}'
        workload = self._create(spec.name, external_body(dataclasses.replace(
            spec, hostname='', domainname='', network=NetworkSpec(mode=NetworkMode.CONTAINER, container=infra),
            labels={**spec.labels, SPEC_LABEL: _remembered(spec)})))
        with undo_on_error() as undo:
            undo('workload', lambda: self.discard(workload))
            undo('infra container', lambda: self.discard(infra))
            self._start_infra(infra, spec, spec.hostname or workload[:12])
        return workload

    def _create_attached(self, spec: ContainerSpec) -> str:
        container = self._create(spec.name, external_body(spec))
        with undo_on_error() as undo:
            undo('container', lambda: self.discard(container))
            attached.connect_rest(self._verbs, container, spec.network.endpoints)
        return container

    def _create(self, name: str, body: Json) -> str:
        answer = self._verbs.ask('POST', '/containers/create', query={'name': name}, document=body)
        return Document(answer.document()).text('Id')

    def _start_infra(self, name: str, spec: ContainerSpec, hostname: str) -> None:
        """It comes back with its workload, so it has the same restart policy, but for ends, of which it has none."""
        restart = RestartPolicy() if spec.restart.name == 'on-failure' else spec.restart
        self._create(name, wire.create_body(ContainerSpec(
            name=name, image=infra_image.ensure(self._verbs), hostname=hostname, domainname=spec.domainname,
            network=spec.network, restart=restart, labels={INFRA_LABEL: spec.name})))
        self._verbs.do('POST', container_path(name, '/start'))

    def discard(self, infra: str) -> None:
        """Remove an infra container; silent if there is none."""
        with contextlib.suppress(errors.ContainerNotFound):
            self._verbs.do('DELETE', container_path(infra), query={'force': True, 'v': True})

    def _discard_orphans(self) -> None:
        """Remove infra containers whose workload is gone, as one that removes itself is."""
        rows = self._verbs.get('/containers/json', query={'all': True})
        joined = {listing.row_network_mode(row).removeprefix(_JOINED) for row in rows}
        for row in rows:
            known = {listing.row_id(row), *listing.row_names(row)}
            old = listing.row_created_at(row) < time.time() - _ORPHAN_S
            if old and INFRA_LABEL in listing.row_labels(row) and not known & joined:
                self.discard(listing.row_id(row))

    def network_namespace(self, container: str) -> str:
        """The namespace of the infra container, by the file that Docker keeps open for it."""
        body = self._inspect(container)
        mode = _network_mode(body)
        if mode == 'host':
            raise errors.Unsupported(f'Container {container} shares the network of its host')
        path = self._namespace(mode.removeprefix(_JOINED) if mode.startswith(_JOINED) else container)
        if path is None:
            raise errors.WrongState(f'Container {container} has no network namespace until it is started')
        return path

    def _namespace(self, container: str) -> str | None:
        try:
            body = Document(self._inspect(container))
        except errors.ContainerNotFound:
            return None
        mode = _network_mode(body.fields)
        if mode.startswith(_JOINED):
            return self._namespace(mode.removeprefix(_JOINED))
        path, pid = body.document('NetworkSettings').text('SandboxKey'), body.document('State').positive('Pid')
        return path or (f'/proc/{pid}/ns/net' if pid else None)

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
        if info.exit and info.started_at and not info.status.alive and info.exit.finished_at < info.started_at:
            info = dataclasses.replace(info, started_at=info.exit.finished_at)  # Docker takes both times afterwards
        remembered = info.labels.get(SPEC_LABEL)
        if remembered is None:
            return info
        kept = Document(json.loads(remembered))
        labels = {name: value for name, value in info.labels.items() if name != SPEC_LABEL}
        network = NetworkSpec(dns=kept.texts('Dns'), dns_search=kept.texts('DnsSearch'),
                              dns_options=kept.texts('DnsOptions'), extra_hosts=kept.texts('ExtraHosts'))
        namespace = self._namespace(info.spec.network.container or '') if info.spec.network.container else None
        return dataclasses.replace(info, network_namespace=namespace, spec=dataclasses.replace(
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

    :raises Unsupported: options of a bind; a part of a volume, which only Docker 26 knows.
    """
    body = attached.say_of_old(wire.create_body(attached.first_only(spec)), spec)
    body['HostConfig'].setdefault('PidsLimit', _PIDS)
    tmpfs = [mount for mount in spec.mounts if mount.kind is MountKind.TMPFS and mount.options]
    if any(mount.options for mount in spec.mounts if mount.kind is MountKind.BIND):
        raise errors.Unsupported('A Docker Engine takes no options for a bind mount')
    if any(mount.subpath for mount in spec.mounts):
        raise errors.Unsupported('A Docker Engine of API 1.41 does not mount a part of a volume')
    if spec.health is not None and spec.health.start_interval_s is not None:
        raise errors.Unsupported('A Docker Engine of API 1.41 has no start_interval_s')
    if spec.annotations:
        raise errors.Unsupported('A Docker Engine of API 1.41 has no annotations')
    if tmpfs:  # Mounts have options since API 1.46 only
        body['HostConfig']['Mounts'] = [mounts.mount_body(mount) for mount in spec.mounts
                                        if mount not in tmpfs and mounts.bind_body(mount) is None]
        body['HostConfig']['Tmpfs'] = {mount.target: mounts.tmpfs_options(mount) for mount in tmpfs}
    return body
