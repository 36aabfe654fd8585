# SPDX-License-Identifier: Apache-2.0
"""The ``platform`` of requests about images, of which each here has one only."""

import json

from nova_container import errors
from nova_container.docker.server.message import Call
from nova_container.docker.wire import system
from nova_container.docker.wire.document import Document
from nova_container.engine import ImageInfo


def image(call: Call, name: str, parameter: str = 'platform') -> ImageInfo:
    """The image, if it is of the platform asked for, or of one of those.

    :raises ImageNotFound: there is none, or not of that platform.  :raises InvalidRequest: that is no platform.
    """
    info = call.engine.inspect_image(name)
    wanted = [_parsed(text, parameter) for text in call.query.texts(parameter) if text]
    if wanted and not any(_is_of(info, each) for each in wanted):
        raise errors.NotFound(f'image with reference {name} was found but does not provide the specified platform')
    return info


def check(info: ImageInfo, text: str) -> None:
    """``os[/architecture[/variant]]`` of a create request. :raises ImageNotFound: the image is of another platform."""
    system_name, _, rest = text.partition('/')
    architecture = rest.partition('/')[0]
    if not _is_of(info, Document({'os': system_name, 'architecture': system.go_architecture(architecture)})):
        raise errors.NotFound(f'image with id {info.id} was found but does not match the specified platform: wanted '
                              f'{text[:64]}, actual: {info.os}/{info.architecture}')


def _parsed(text: str, parameter: str) -> Document:
    try:
        return Document(json.loads(text), parameter)
    except (ValueError, RecursionError):
        raise errors.InvalidRequest(f'{parameter} must be a JSON object with os and architecture') from None


def _is_of(info: ImageInfo, wanted: Document) -> bool:
    return all(not wanted.text(name) or wanted.text(name) == have for name, have in (
        ('os', info.os), ('architecture', info.architecture)))
