# SPDX-License-Identifier: Apache-2.0
"""Progress <-> lines of JSON, and credentials <-> the headers X-Registry-Auth and X-Registry-Config."""

import base64
import binascii
import json
from collections.abc import Sequence

from nova_container import errors
from nova_container.docker import status as statuses
from nova_container.docker.wire.document import Document, Json
from nova_container.engine.registry import Credentials, Found, Progress, RemoteImage

_BAR = 50
_MOST = 64 * 1024


def line_of(progress: Progress) -> Json:
    """One line of a pull or push. The bar is drawn here, as Docker does for clients that only show text."""
    if progress.stream:
        return {'stream': progress.stream}
    body: Json = {'status': progress.status}
    if progress.id:
        body['progressDetail'] = {}
        body['id'] = progress.id
    if progress.current_bytes is not None:
        detail = {'current': progress.current_bytes, 'total': progress.total_bytes}
        body['progressDetail'] = {name: count for name, count in detail.items() if count is not None}
        body['progress'] = _bar(progress.current_bytes, progress.total_bytes or 0)
    return body


def error_line(error: errors.ContainerError) -> Json:
    """The last line of a work that failed; ``kind`` is ours."""
    detail: Json = {'message': str(error), 'kind': error.kind}
    if isinstance(error, errors.StepFailed):
        detail['code'] = error.code
    return {'errorDetail': detail, 'error': str(error)}


def progress_of(fields: object) -> Progress:
    """The progress a line tells of. :raises ContainerError: it tells of a failure."""
    body = Document(fields)
    if body.has('error') or body.has('errorDetail'):
        detail = body.document('errorDetail')
        raise statuses.error_in_stream(detail.text('message') or body.text('error'), detail.text('kind'),
                                       detail.integer('code'))
    counts, aux = body.document('progressDetail'), body.document('aux')
    return Progress(
        status=body.text('status').rstrip('\r\n'), id=body.text('id'), stream=body.text('stream'),
        current_bytes=counts.integer('current'), total_bytes=aux.integer('Size') or counts.integer('total'),
        result=aux.text('ID') or aux.text('Digest'))


def _bar(current: int, total: int) -> str:
    if total <= 0:
        return _size(current)
    done = min(_BAR, current * _BAR // total)
    bar = '=' * done + ('>' if done < _BAR else '') + ' ' * (_BAR - done - 1)
    return f'[{bar}] {_size(current):>8}/{_size(total)}'


def _size(count: float) -> str:
    """Four digits, by thousands (docker/go-units)."""
    for unit in ('B', 'kB', 'MB', 'GB'):
        if count < 1000:
            return f'{count:.4g}{unit}'
        count /= 1000
    return f'{count:.4g}TB'


def credentials_of(header: bytes | str | None) -> Credentials | None:
    """The credentials in X-Registry-Auth; None if it holds none. :raises InvalidRequest: it is malformed."""
    body = Document(_decoded(header, 'X-Registry-Auth'))
    found = Credentials(
        username=body.text('username'), password=body.text('password'), server=body.text('serveraddress'),
        token=body.text('identitytoken') or body.text('registrytoken'))
    if body.text('auth') and not found.username:
        username, _, password = _plain(body.text('auth')).partition(':')
        found = Credentials(username=username, password=password, server=found.server)
    elif body.text('identitytoken') and not found.username:
        found = Credentials(username='<token>', token=found.token, server=found.server)
    return found if found.username or found.token else None


def all_credentials_of(header: bytes | str | None) -> tuple[Credentials, ...]:
    """The credentials in X-Registry-Config, by registry."""
    body = Document(_decoded(header, 'X-Registry-Config'))
    return tuple(Credentials(username=one.text('username'), password=one.text('password'),
                             token=one.text('identitytoken') or one.text('registrytoken'), server=server)
                 for server in body.fields for one in [body.document(server)])


def header_of(credentials: Credentials | None) -> dict[str, str]:
    """The header of a request for these credentials; one without any is sent as well, as Docker demands it."""
    return {'X-Registry-Auth': _encoded(_fields(credentials) if credentials else {})}


def config_header_of(credentials: Sequence[Credentials]) -> dict[str, str]:
    """The header of a build."""
    return {'X-Registry-Config': _encoded({one.server: _fields(one) for one in credentials})}


def login_body(credentials: Credentials) -> Json:
    return _fields(credentials)


def login_of(fields: object) -> Credentials:
    """What POST /auth asks about. :raises InvalidRequest: there is nothing in it."""
    body = Document(fields)
    found = Credentials(username=body.text('username'), password=body.text('password'),
                        token=body.text('identitytoken'), server=body.text('serveraddress'))
    if not (found.username and found.password) and not found.token:
        raise errors.InvalidRequest('username and password must not be empty')
    return found


def found_body(found: Found) -> Json:
    return {'name': found.name, 'description': found.description, 'star_count': found.stars,
            'is_official': found.official, 'is_automated': False}


def found_of(fields: object) -> Found:
    body = Document(fields)
    return Found(name=body.text('name'), description=body.text('description'),
                 stars=body.integer('star_count') or 0, official=bool(body.flag('is_official')))


def remote_body(found: RemoteImage) -> Json:
    """The answer of GET /distribution/{name}/json."""
    return {'Descriptor': {'mediaType': found.media_type, 'digest': found.digest, 'size': found.size_bytes},
            'Platforms': [dict(zip(('os', 'architecture', 'variant'), platform.split('/'), strict=False))
                          for platform in found.platforms]}


def remote_of(fields: object) -> RemoteImage:
    body, platforms = Document(fields).document('Descriptor'), Document(fields).documents('Platforms')
    return RemoteImage(
        digest=body.text('digest'), media_type=body.text('mediaType'), size_bytes=body.integer('size') or 0,
        platforms=tuple('/'.join(part for part in (one.text('os'), one.text('architecture'), one.text('variant'))
                                 if part) for one in platforms))


def _fields(credentials: Credentials) -> dict[str, str]:
    named = credentials.username not in ('', '<token>')
    token = 'identitytoken' if credentials.username else 'registrytoken'
    given = {'username': credentials.username if named else '', 'password': credentials.password,
             token: credentials.token, 'serveraddress': credentials.server}
    return {name: value for name, value in given.items() if value}


def _encoded(fields: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


def _decoded(header: bytes | str | None, name: str) -> object:
    """Clients write it in either alphabet of base64, with and without padding."""
    if not header:
        return {}
    try:
        return json.loads(_plain(header.decode() if isinstance(header, bytes) else header))
    except (ValueError, RecursionError):
        raise errors.InvalidRequest(f'{name} must be base64 of a JSON object') from None


def _plain(text: str) -> str:
    if len(text) > _MOST:
        raise ValueError('too long')
    padded = text.strip().rstrip('=').replace('+', '-').replace('/', '_')
    try:
        return base64.urlsafe_b64decode(padded + '=' * (-len(padded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError('not base64') from error
