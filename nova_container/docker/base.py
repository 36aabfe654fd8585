# SPDX-License-Identifier: Apache-2.0
"""What all verbs over the Docker Engine API stand on."""

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nova_container import errors
from nova_container.docker.transport import Answer, Body, Query, Transport
from nova_container.docker.wire import system as wire

_PINNED = '/v1.41'
"""The version spoken to a Docker that is not ours: 20.10's, which later ones serve too."""


class Verbs:
    """A transport, and whether our own server is at its other end."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._lock = threading.Lock()
        self._is_ours: bool | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the engine is ours and knows our extensions; asked once. :raises Unavailable:"""
        if self._is_ours is None:
            self._is_ours = wire.is_ours(self.transport.get('/version'))
        return self._is_ours

    @property
    def prefix(self) -> str:
        return '' if self.is_ours else _PINNED

    def ask(self, method: str, path: str, *, query: Query | None = None, document: object = None,
            body: Body | None = None, timeout_s: float | None = None,
            headers: Mapping[str, str] | None = None) -> Answer:
        """See ``Transport.ask``."""
        return self.transport.ask(method, path, query=query, document=document, body=body, timeout_s=timeout_s,
                                  prefix=self.prefix, headers=headers)

    def do(self, method: str, path: str, **request: Any) -> None:
        """Ask for something that has no answer."""
        self.ask(method, path, **request).content()

    def get(self, path: str, **request: Any) -> Any:
        """The JSON at a path."""
        return self.ask('GET', path, **request).document()


def container_path(container: str, rest: str = '') -> str:
    """``/containers/{id}/rest``. :raises ContainerNotFound: nothing could have such a name."""
    if not container or container in ('.', '..'):
        raise errors.ContainerNotFound(container)
    return f'/containers/{quote(container, safe="")}{rest}'


def image_path(image: str, rest: str = '') -> str:
    """``/images/{name}/rest``. :raises ImageNotFound: nothing could have such a name."""
    if not image or '..' in image.split('/'):
        raise errors.ImageNotFound(image)
    return f'/images/{quote(image, safe="/:@")}{rest}'
