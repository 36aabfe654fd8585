# SPDX-License-Identifier: Apache-2.0
"""Errors <-> HTTP statuses: the one table at the border of the Docker Engine API."""

import re
from collections.abc import Mapping

from nova_container import errors

STATUS: Mapping[type[errors.ContainerError], int] = {
    errors.ContainerNotFound: 404, errors.ImageNotFound: 404, errors.BlobNotFound: 404, errors.ExecNotFound: 404,
    errors.NetworkNotFound: 404, errors.VolumeNotFound: 404,
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.WrongState: 409,
    errors.InvalidSpec: 400, errors.InvalidReference: 400, errors.UnacceptableImage: 400,
    errors.StepFailed: 400, errors.InvalidRequest: 400,
    errors.Denied: 403,
    errors.Exhausted: 507,
    errors.Unsupported: 501,
    errors.Unavailable: 503,
    errors.DigestMismatch: 400,  # of what the client sent
    errors.Corrupt: 500,
    errors.CommandFailed: 500, errors.MountFailed: 500, errors.LinkFailed: 500, errors.HostFailure: 500,
    errors.ContainerError: 500,
}
"""A row for every class."""

_KINDS = {cls.kind: cls for cls in STATUS}

# What a Docker that knows no kinds means by a status: the first row whose status and endpoint fit
_MEANINGS: tuple[tuple[int, str, type[errors.ContainerError]], ...] = (
    (400, r'POST /containers/create', errors.InvalidSpec),
    (400, r'POST /networks/create', errors.InvalidSpec),
    (400, r'', errors.InvalidRequest),
    (401, r'', errors.Denied),
    (403, r'POST /networks/create', errors.InvalidSpec),
    (403, r'POST /networks/[^/]+/connect', errors.AlreadyExists),
    (403, r'', errors.Denied),
    (404, r'POST /containers/create', errors.ImageNotFound),
    (404, r'\w+ /containers/[^/]+/archive', errors.NotFound),
    (404, r'\w+ /(containers|commit)', errors.ContainerNotFound),
    (404, r'\w+ /images', errors.ImageNotFound),
    (404, r'\w+ /distribution', errors.ImageNotFound),
    (404, r'\w+ /exec', errors.ExecNotFound),
    (404, r'\w+ /networks', errors.NetworkNotFound),
    (404, r'\w+ /volumes', errors.VolumeNotFound),
    (404, r'', errors.NotFound),
    (409, r'POST /(networks/create|containers/(create|[^/]+/rename))', errors.AlreadyExists),
    (409, r'', errors.WrongState),
    (413, r'', errors.InvalidRequest),
    (500, r'POST /build', errors.InvalidRequest),
    (500, r'(POST /images/create|GET /distribution)', errors.Unavailable),
    (500, r'POST /auth', errors.Denied),
    (501, r'', errors.Unsupported),
    (502, r'', errors.Unavailable),
    (503, r'', errors.Unavailable),
    (504, r'', errors.Unavailable),
    (507, r'', errors.Exhausted),
)


def status_of(error: errors.ContainerError) -> int:
    """The status of an error; a class without a row has its base's."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def body_of(error: errors.ContainerError) -> dict[str, str]:
    """The JSON that goes with it: Docker's ``message``, and our ``kind``."""
    return {'message': str(error), 'kind': error.kind}


def error_of(status: int, body: object, endpoint: str) -> errors.ContainerError:
    """The error in an answer.

    :param endpoint: method and path without version and query, ``POST /containers/create``.
    """
    fields = body if isinstance(body, dict) else {}
    message = str(fields.get('message') or f'The engine answered {status} to {endpoint}')
    return _made(_KINDS.get(str(fields.get('kind'))) or _meaning(status, endpoint), message)


def error_in_stream(message: str, kind: str, code: int | None = None) -> errors.ContainerError:
    """The error in a line of a stream; a Docker that knows no kinds failed in the midst of a long work.

    :param code: the exit code of a build's step, which only such a line has.
    """
    if code is not None:
        return errors.StepFailed(message, code)
    return _made(_KINDS.get(kind) or errors.Unavailable, message)


def _meaning(status: int, endpoint: str) -> type[errors.ContainerError]:
    for number, pattern, cls in _MEANINGS:
        if number == status and re.match(pattern, endpoint):
            return cls
    return errors.InvalidRequest if 400 <= status < 500 else errors.HostFailure


def _made(cls: type[errors.ContainerError], message: str) -> errors.ContainerError:
    """An error with this very text; some classes would build their own from parts that are not here."""
    error = cls.__new__(cls)
    error.args = (message,)
    if isinstance(error, errors.CommandFailed):
        error.argv, error.code, error.stderr = (), -1, message
    return error
