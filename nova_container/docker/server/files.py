# SPDX-License-Identifier: Apache-2.0
"""Handlers: files of containers out and in, and images made of them."""

from nova_container import errors
from nova_container.docker.server import changes
from nova_container.docker.server.message import TAR, Answer, Call, Reply, Stream, of_json
from nova_container.docker.wire import files as wire
from nova_container.docker.wire.document import Document
from nova_container.engine import CommitSpec

OCTETS = 'application/octet-stream'


def show(call: Call) -> Answer:
    return Reply(200, headers=_stat(call, _path(call)))


def copy_out(call: Call) -> Answer:
    path = _path(call)
    return Stream(call.engine.copy_out(call.container, path), TAR, _stat(call, path))


def copy_in(call: Call) -> Answer:
    """Owners are those of the archive, which is what ``copyUIDGID`` means for a container that runs as root."""
    if call.query.flag('copyUIDGID') and (user := call.engine.inspect(call.container).spec.process.user):
        raise errors.Unsupported(f'copyUIDGID would give the files to {user[:64]!r}, as whom the container runs, which '
                                 'is not supported: leave it out, and the owners are those of the archive')
    call.engine.copy_in(call.container, _path(call), call.body,
                        may_change_kind=not call.query.flag('noOverwriteDirNonDir'))
    return Reply(200)


def _path(call: Call) -> str:
    path = call.query.text('path')
    if not path:
        raise errors.InvalidRequest('path must hold a path in the container')
    return path if path.startswith('/') else f'/{path}'


def _stat(call: Call, path: str) -> list[tuple[str, str]]:
    return [(wire.STAT_HEADER, wire.stat_header(call.engine.stat_path(call.container, path)))]


def changed(call: Call) -> Answer:
    return of_json(wire.changes_body(call.engine.changes(call.container)))


def export(call: Call) -> Answer:
    return Stream(call.engine.export(call.container), OCTETS)


def commit(call: Call) -> Answer:
    query = call.query
    container = query.text('container')
    if not container:
        raise errors.InvalidRequest('container must name a container')
    config = {name: value for name, value in Document(call.document()).fields.items() if value}
    info = call.engine.inspect(container)
    if not query.flag('exact'):
        image = dict(call.engine.inspect_image(info.image_id).config)
        config = config or changes.joined({}, info.spec, image)
        config |= changes.apply(query.texts('changes'), lambda: config)
        config = changes.joined(config, info.spec, image)
    reference = query.text('repo')
    if reference and query.text('tag'):
        reference = f'{reference}:{query.text("tag")}'
    image_id = call.engine.commit(info.id, CommitSpec(
        reference=reference or None, author=query.text('author'), comment=query.text('comment'),
        pause=query.flag('pause', default=True), config=config))
    return of_json({'Id': image_id}, 201)
