# SPDX-License-Identifier: Apache-2.0
"""The cloud as a user has it: servers that are awaited, and taken away again."""

import base64
import contextlib
import itertools
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import openstack
from openstack import exceptions
from openstack.config import OpenStackConfig

MICROVERSION = '2.96'
_numbers = itertools.count(1)


class Failed(AssertionError):
    """A server went into ERROR; the text is its fault."""


def connect(clouds_yaml: pathlib.Path, cloud: str) -> openstack.connection.Connection:
    """A connection to the API."""
    config = OpenStackConfig(config_files=[str(clouds_yaml)], load_envvars=False).get_one(
        cloud=cloud, compute_default_microversion=MICROVERSION)
    return openstack.connection.Connection(config=config)


def wait_for(what: str, probe: Callable[[], Any], timeout_s: float = 60.0, pause_s: float = 0.1) -> Any:
    """What ``probe`` returns, once it is true. :raises AssertionError: not within ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not (found := probe()):
        assert time.monotonic() < deadline, f'{what}: not within {timeout_s:g} s'
        time.sleep(pause_s)
    return found


class Project:
    """One project. What it made is gone after ``clean``."""

    def __init__(self, connection: openstack.connection.Connection) -> None:
        self.api = connection
        self.compute, self.network, self.image = connection.compute, connection.network, connection.image
        self._undo: list[Callable[[], None]] = []
        self._names: set[str] = set()
        self._ids: dict[tuple[str, str], str] = {}

    def name(self, kind: str) -> str:
        """A name that nothing else has."""
        return f'{kind}-{os.getpid()}-{next(_numbers)}'

    def id_of(self, kind: str, name: str) -> str:
        """The id of an image, flavor or network, or ``name`` itself if nothing is called so."""
        key = (kind, name)
        if key not in self._ids:
            find = {'image': self.image.find_image, 'flavor': self.compute.find_flavor,
                    'network': self.network.find_network}[kind]
            self._ids[key] = find(name, ignore_missing=False).id
        return self._ids[key]

    # Servers

    def request(self, image: str = 'demo-httpd', flavor: str = 'c1.tiny', *, user_data: str | None = None,
                networks: Any = None, name: str | None = None, **fields: Any) -> Any:
        """Ask for a server and do not wait. More fields are those of the API."""
        if user_data is not None:
            fields['user_data'] = base64.b64encode(user_data.encode()).decode()
        fields.setdefault('security_groups', [{'name': 'demo'}])
        server_name = name or self.name('server')
        server = self.compute.create_server(
            name=server_name, image_id=self.id_of('image', image),
            flavor_id=self.id_of('flavor', flavor),
            networks=networks or [{'uuid': self.id_of('network', 'private')}], **fields)
        self._names.add(server_name)
        self._undo.append(lambda: self.delete(server.id))
        return server

    def boot(self, image: str = 'demo-httpd', flavor: str = 'c1.tiny', **fields: Any) -> Any:
        """A server that is ACTIVE. :raises Failed: it is in ERROR."""
        return self.await_status(self.request(image, flavor, **fields).id)

    def fail(self, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Servers that cannot be made, all asked for at once, each in ERROR; by the keys of ``wanted``."""
        asked = {key: self.request(**fields) for key, fields in wanted.items()}
        return {key: self.await_status(server.id, 'ERROR') for key, server in asked.items()}

    def await_status(self, server_id: str, status: str = 'ACTIVE', timeout_s: float = 60.0) -> Any:
        """The server, once it has that status and no task."""
        def reached() -> Any:
            server = self.compute.get_server(server_id)
            if server.status == 'ERROR' != status:
                raise Failed((server.fault or {}).get('message', 'no fault told'))
            return server if server.status == status and not server.task_state else None
        return wait_for(f'{server_id} is {status}', reached, timeout_s, 0.2)

    def delete(self, *ids: str) -> None:
        """Delete servers and wait until they are gone. Silent about those that are."""
        for server_id in ids:
            with contextlib.suppress(exceptions.NotFoundException):
                self.compute.delete_server(server_id)
        for server_id in ids:
            wait_for(f'{server_id} is gone', lambda one=server_id: self._is_gone(one), 120, 0.2)

    def _is_gone(self, server_id: str) -> bool:
        try:
            return self.compute.get_server(server_id).status == 'DELETED'
        except exceptions.NotFoundException:
            return True

    def console(self, server_id: str) -> str:
        """What the server wrote."""
        return str(self.compute.get_server_console_output(server_id)['output'])

    def actions(self, server_id: str) -> list[Any]:
        """What was done to a server, latest first."""
        return list(self.compute.server_actions(server_id))

    # Images, flavors, networks

    def upload(self, archive: pathlib.Path | bytes, *, container_format: str = 'docker', disk_format: str = 'raw',
               **properties: str) -> str:
        """A new image of these bytes; its name."""
        name = self.name('image')
        image = self.image.create_image(name, container_format=container_format, disk_format=disk_format, wait=True,
                                        use_import=False,
                                        **({'data': archive} if isinstance(archive, bytes) else
                                           {'filename': str(archive)}), **properties)
        self._ids['image', name] = image.id
        self._undo.append(lambda: self.image.delete_image(image.id, ignore_missing=True))
        return name

    def flavor(self, *, ram: int = 64, **extra_specs: str) -> str:
        """A new flavor (of the admin); its name. Extra specs have ``__`` for the colon."""
        name = self.name('flavor')
        flavor = self.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=1)
        self._undo.append(lambda: self.compute.delete_flavor(flavor.id, ignore_missing=True))
        if extra_specs:
            self.compute.create_flavor_extra_specs(flavor, {
                key.replace('__', ':'): value for key, value in extra_specs.items()})
        return name

    def second_network(self, cidr: str) -> Any:
        """A new network with a subnet and no router."""
        network = self.network.create_network(name=self.name('network'))
        self._undo.append(lambda: self.network.delete_network(network.id, ignore_missing=True))
        self.network.create_subnet(network_id=network.id, ip_version=4, cidr=cidr, gateway_ip=None)
        return network

    def security_group(self) -> Any:
        """A new group that lets nothing in."""
        group = self.network.create_security_group(name=self.name('group'))
        self._undo.append(lambda: self.network.delete_security_group(group.id, ignore_missing=True))
        return group

    def port(self, **fields: Any) -> Any:
        """A new port."""
        port = self.network.create_port(**fields)
        self._undo.append(lambda: self.network.delete_port(port.id, ignore_missing=True))
        return port

    def floating_ip(self, server: Any) -> str:
        """Give the server an address that the host reaches."""
        port = next(self.network.ports(device_id=server.id))
        address = self.network.create_ip(floating_network_id=self.id_of('network', 'public'), port_id=port.id)
        self._undo.append(lambda: self.network.delete_ip(address.id, ignore_missing=True))
        return str(address.floating_ip_address)

    def afterwards(self, step: Callable[[], None]) -> None:
        """Do this in ``clean``."""
        self._undo.append(step)

    def clean(self) -> None:
        """Take away all that was made, the latest first; servers at once, as each takes a second."""
        failed = []
        self._delete_servers()
        while self._undo:
            step = self._undo.pop()
            try:
                step()
            except Exception as error:
                failed.append(f'{error!r} {getattr(error, "details", "")}')
        assert not failed, f'could not be taken away: {failed}'

    def _delete_servers(self) -> None:
        """Those of a request for many have its name and a number."""
        for server in self.compute.servers(details=False) if self._names else ():
            if any(server.name == name or server.name.startswith(f'{name}-') for name in self._names):
                with contextlib.suppress(exceptions.NotFoundException):
                    self.compute.delete_server(server.id)


def attempts(admin: Project, server_id: str) -> int:
    """How often a host tried to make the server."""
    create = next(one for one in admin.actions(server_id) if one.action == 'create')
    events = admin.compute.get_server_action(create.request_id, server_id).events
    return sum('build_and_run_instance' in one['event'] for one in events)


def addresses(server: Any) -> list[str]:
    """The fixed IPv4 addresses of a server, in the order of its networks."""
    return [one['addr'] for network in server.addresses.values() for one in network
            if one['version'] == 4 and one['OS-EXT-IPS:type'] == 'fixed']


@contextlib.contextmanager
def cleaned(project: Project) -> Iterator[Project]:
    """The project, and nothing of what it made afterwards."""
    try:
        yield project
    finally:
        project.clean()
