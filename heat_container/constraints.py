# SPDX-License-Identifier: Apache-2.0
"""Constraints ``docker.*`` of properties: the form of a value, or that it is there for the project."""

import re
from typing import Any

from heat.engine import constraints

from heat_container import endpoints
from nova_container import errors
from nova_container.image import reference as references

_IMAGE_ID = re.compile(r'(sha256:)?[0-9a-f]{12,64}')
_CONTAINER = re.compile(r'[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}')


class EndpointConstraint(constraints.BaseCustomConstraint):
    """``docker.endpoint``: one that the project may use."""

    expected_exceptions = (errors.ContainerError,)

    def validate_with_client(self, clients: Any, text: str) -> None:
        endpoints.find(clients.context, text)


class ImageReferenceConstraint(constraints.BaseCustomConstraint):
    """``docker.image_reference``: NAME[:TAG][@DIGEST], or an id."""

    expected_exceptions = (errors.InvalidRequest,)

    def validate_with_client(self, clients: Any, text: str) -> None:
        if not _IMAGE_ID.fullmatch(text):
            references.parse(text)


class ContainerConstraint(constraints.BaseCustomConstraint):
    """``docker.container``: the form of an id or a name; whether it is there depends on the endpoint."""

    expected_exceptions = (errors.InvalidRequest,)

    def validate_with_client(self, clients: Any, text: str) -> None:
        if not _CONTAINER.fullmatch(text):
            raise errors.InvalidRequest(f'{text[:80]} is neither an id nor a name of a container')
