# SPDX-License-Identifier: Apache-2.0
"""Verbs over a swarm, spoken in the Docker Engine API: the contract of engines has no clusters."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from heat_container import ownership
from nova_container import errors
from nova_container.docker import frames
from nova_container.docker.wire import registry
from nova_container.engine import Credentials

_TRIES = 5
_LOG_BYTES = 65536
_ENDED = frozenset(('complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'))
Document = dict[str, Any]


class Speaker(Protocol):
    """The part of an engine's client that sends requests."""

    def ask(self, method: str, path: str, **request: Any) -> Any: ...

    def do(self, method: str, path: str, **request: Any) -> None: ...

    def get(self, path: str, **request: Any) -> Any: ...


class Cluster:
    """The swarm that an engine manages, as one project sees it.

    :param speaker: the client of the engine.
    :param project_id: whose services, secrets and configs there are; '' is everybody's.
    :param labels: of what is made.
    """

    def __init__(self, speaker: Speaker, project_id: str, labels: Mapping[str, str]) -> None:
        self._speaker, self._project_id, self._labels = speaker, project_id, labels

    def check_manager(self) -> None:
        """:raises Unsupported: the engine manages no swarm."""
        swarm = (self._speaker.get('/info') or {}).get('Swarm') or {}
        if not swarm.get('ControlAvailable'):
            raise errors.Unsupported('This engine manages no swarm: run "docker swarm init" on it, or use another '
                                     'endpoint')

    def labelled(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """:raises InvalidSpec: a label says whose it is."""
        return ownership.merged(wanted, self._labels)

    def create(self, kind: str, body: Document, credentials: Credentials | None = None) -> str:
        """Make a service, secret or config, and return its id. :raises AlreadyExists: the name is taken."""
        headers = registry.header_of(credentials) if kind == 'services' else None
        with _named(body['Name']):
            answer = self._speaker.ask('POST', f'/{kind}/create', document=body, headers=headers).document()
        return str(answer['ID'])

    def inspect(self, kind: str, name: str) -> Document:
        """:raises NotFound: it is not there, or another project's."""
        found: Document = self._speaker.get(f'/{kind}/{quote(name, safe="")}')
        if self._project_id and not ownership.is_of(self._project_id, found['Spec'].get('Labels') or {}):
            raise errors.NotFound(f'No such {kind.removesuffix("s")}: {name}')
        return found

    def update(self, kind: str, name: str, body: Mapping[str, Any], credentials: Credentials | None = None) -> None:
        """Send another spec for the version that there is; again if someone else was faster."""
        headers = registry.header_of(credentials) if kind == 'services' else None
        for attempt in range(_TRIES):
            version = self.inspect(kind, name)['Version']['Index']
            try:
                self._speaker.do('POST', f'/{kind}/{quote(name, safe="")}/update', query={'version': version},
                                 document=body, headers=headers)
                return
            except errors.HostFailure:
                if attempt == _TRIES - 1 or self.inspect(kind, name)['Version']['Index'] == version:
                    raise

    def remove(self, kind: str, name: str) -> None:
        """Silent if it is gone. :raises InvalidRequest: a service uses it."""
        try:
            self.inspect(kind, name)
            self._speaker.do('DELETE', f'/{kind}/{quote(name, safe="")}')
        except errors.NotFound:
            return

    def tasks(self, service: str) -> list[Document]:
        """Of a service, those that ended too."""
        return list(self._speaker.get('/tasks', query={'filters': json.dumps({'service': [service]})}) or ())

    def is_gone(self, service: str) -> bool:
        """Whether no task of a service that was removed is left on a node: they go after it."""
        return not any(task['ServiceID'] == service and task['Status']['State'] not in _ENDED
                       for task in self._speaker.get('/tasks') or ())

    def nodes(self) -> int:
        """How many there are that take tasks."""
        return sum(1 for node in self._speaker.get('/nodes') or () if node['Status']['State'] == 'ready'
                   and node['Spec'].get('Availability') == 'active')

    def network_id(self, name: str) -> str:
        """:raises NetworkNotFound: it is not there, or another project's."""
        found = self._speaker.get(f'/networks/{quote(name, safe="")}')
        if self._project_id and not ownership.is_of(self._project_id, found.get('Labels') or {}):
            raise errors.NetworkNotFound(name)
        return str(found['Id'])

    def logs(self, service: str, lines: int) -> str:
        """The end of the output of all its tasks."""
        tty = (self.inspect('services', service)['Spec']['TaskTemplate'].get('ContainerSpec') or {}).get('TTY')
        answer = self._speaker.ask('GET', f'/services/{quote(service, safe="")}/logs',
                                   query={'stdout': True, 'stderr': True, 'tail': lines})
        data = b''.join(_pieces(answer.chunks(), tty=bool(tty)))
        return data[-_LOG_BYTES:].decode('utf-8', 'replace')


def encoded(data: str | bytes) -> str:
    """As the body of a secret or config has it."""
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def _pieces(chunks: Iterable[bytes], *, tty: bool) -> Iterable[bytes]:
    decoder = frames.Decoder()
    for chunk in chunks:
        if tty:
            yield chunk
        else:
            yield from (data for _stream, data in decoder.feed(chunk))


class _named:  # noqa: N801 - reads as a word in a with statement
    """Says which name is taken: the engine means a conflict of names by 409 here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, errors.WrongState):
            raise errors.AlreadyExists(f'The name {self._name} is taken in the swarm: choose another') from error
