# SPDX-License-Identifier: Apache-2.0
"""Handlers: images from and to registries."""

from collections.abc import Iterator

from nova_container import errors
from nova_container.docker.server import changes, filters, platforms, telling
from nova_container.docker.server.message import Answer, Call, Stream, line, of_json
from nova_container.docker.wire import registry as wire
from nova_container.engine import CommitSpec, Credentials, Progress
from nova_container.image import reference as references


def create(call: Call) -> Answer:
    """POST /images/create: pull, or make an image of a tar in the body."""
    if call.query.text('fromSrc'):
        return _import(call)
    name = call.query.text('fromImage')
    if not name:
        raise errors.InvalidRequest('fromImage must hold a name')
    tag = call.query.text('tag')
    return Stream(telling.lines(call, call.engine.pull(
        _named(name, tag), credentials=_credentials(call), platform=call.query.text('platform'),
        all_tags=not tag and not references.is_tagged(name))))


def _named(name: str, tag: str) -> str:
    """Name and tag as they come in a query; the tag may be a digest."""
    if tag:
        name = f'{name}@{tag}' if ':' in tag else f'{name}:{tag}'
    return references.parse(name).familiar()


def _credentials(call: Call) -> Credentials | None:
    return wire.credentials_of(call.headers.get(b'x-registry-auth'))


def _import(call: Call) -> Answer:
    if call.query.text('fromSrc') != '-':
        raise errors.Unsupported('This engine does not fetch archives from elsewhere: send the archive, fromSrc=-')
    reference = _named(call.query.text('repo'), call.query.text('tag')) if call.query.text('repo') else None
    config = changes.apply(call.query.texts('changes'), dict)
    image_id = call.engine.import_image(call.body, CommitSpec(
        reference=reference, comment=call.query.text('message'), config=config))
    return Stream(iter([line({'status': image_id})]))


def push(call: Call) -> Answer:
    """Without a tag, all tags of the repository are pushed."""
    name, credentials = call.image, _credentials(call)
    tag = call.query.text('tag')
    if call.query.text('platform'):
        platforms.image(call, _named(name, tag))
    if tag:
        names = [_named(name, tag)]
    else:
        wanted = references.parse(name).familiar_name()
        names = sorted(known for info in call.engine.list_images() for known in info.references
                       if '@' not in known and references.parse(known).familiar_name() == wanted)
        if not names:
            raise errors.NotFound(f'An image does not exist locally with the tag: {wanted}')
    return Stream(_pushed(call, names, credentials))


def _pushed(call: Call, names: list[str], credentials: Credentials | None) -> Iterator[bytes]:
    for name in names:
        def extra(one: Progress, tag: str | None = references.parse(name).tag) -> object:
            return {'Tag': tag, 'Digest': one.result, 'Size': one.total_bytes}

        yield from telling.lines(call, call.engine.push(name, credentials=credentials), extra)


def login(call: Call) -> Answer:
    call.engine.check_login(wire.login_of(call.document()))
    return of_json({'Status': 'Login Succeeded', 'IdentityToken': ''})


def search(call: Call) -> Answer:
    term = call.query.text('term')
    if not term:
        raise errors.InvalidRequest('term must hold what to search for')
    wanted = filters.of(call, ('is-official', 'is-automated', 'stars'))
    found = call.engine.search(term, limit=min(call.query.number('limit') or 25, 100))
    official = filters.is_true(wanted, 'is-official')
    stars = max((int(text) for text in wanted.get('stars', ()) if text.isdigit()), default=0)
    return of_json([wire.found_body(one) for one in found if one.stars >= stars and (
        official is None or one.official is official) and filters.is_true(wanted, 'is-automated') is not True])


def distribution(call: Call) -> Answer:
    found = call.engine.inspect_remote(call.image, credentials=_credentials(call))
    return of_json(wire.remote_body(found))
