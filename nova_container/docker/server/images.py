# SPDX-License-Identifier: Apache-2.0
"""Handlers: images.

``POST /images/load?reference=NAME`` is ours, see ``Engine.load``; so is ``GET /images/json?inspect=1``, which
answers inspect bodies instead of rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from nova_container import errors
from nova_container.docker.server import containers, filters, platforms
from nova_container.docker.server.message import TAR, Answer, Call, Reply, Stream, line, of_json
from nova_container.docker.wire import images as wire
from nova_container.docker.wire import versions, volumes
from nova_container.engine import ImageInfo
from nova_container.image import reference as references


def load(call: Call) -> Answer:
    """The archive is read whole before the answer begins, so that a bad one is an error and not a line."""
    if call.query.text('platform'):
        raise errors.Unsupported('This engine loads all that an archive holds: leave the platform out')
    loaded = call.engine.load(call.body, reference=call.query.text('reference') or None)
    return Stream(_lines(loaded))


def _lines(loaded: tuple[ImageInfo, ...]) -> Iterator[bytes]:
    """Docker's sentences, then the ids for our client, in lines that others pass over."""
    for info in loaded:
        for sentence in [f'Loaded image: {name}' for name in wire.tags(info)] or [f'Loaded image ID: {info.id}']:
            yield line({'stream': f'{sentence}\n'})
    for info in loaded:
        yield line({'aux': {'ID': info.id}})


def save(call: Call) -> Answer:
    platforms.image(call, call.image)
    return Stream(call.engine.save((call.image,)), TAR)


def save_many(call: Call) -> Answer:
    names = tuple(call.query.texts('names'))
    if not names:
        raise errors.InvalidRequest('names must hold names of images')
    for name in names:
        platforms.image(call, name)
    return Stream(call.engine.save(names), TAR)


def listed(call: Call) -> Answer:
    known = call.engine.list_images()
    found = filters.images(known, filters.of(call, filters.IMAGE))
    if call.query.flag('inspect'):
        return of_json([wire.image_body(info) for info in found])
    users = Counter(info.image_id for info in call.engine.list())
    shared = wire.shared_bytes(known) if call.query.flag('shared-size') else {}
    return of_json([versions.image_row(wire.image_row(info, users[info.id], shared.get(info.id, -1)), call.version)
                    for info in found])


def show(call: Call) -> Answer:
    return of_json(versions.image(wire.image_body(platforms.image(call, call.image)), call.version))


def history(call: Call) -> Answer:
    return of_json(wire.history_body(platforms.image(call, call.image)))


def tag(call: Call) -> Answer:
    repository = call.query.text('repo')
    if not repository:
        raise errors.InvalidRequest('repo must hold a name')
    name = call.query.text('tag')
    call.engine.tag_image(call.image, references.parse(f'{repository}:{name}' if name else repository).familiar())
    return Reply(201)


def remove(call: Call) -> Answer:
    """Docker answers 404 for none; the contract's ``remove_image`` is silent, so it is asked first."""
    platforms.image(call, call.image, 'platforms')
    gone = call.engine.remove_image(call.image, force=call.query.flag('force'))
    return of_json(_shown(gone))


def prune(call: Call) -> Answer:
    """Nameless images, or with ``dangling=false`` all that no container uses."""
    wanted = filters.of(call, ('dangling', 'label', 'label!', 'until'))
    everything = filters.is_true(wanted, 'dangling') is False
    if not wanted.keys() & {'label', 'label!', 'until'}:
        gone, freed = call.engine.prune_images(all_unused=everything)
        return of_json({'ImagesDeleted': [{'Deleted': name} for name in gone], 'SpaceReclaimed': freed})
    chosen = {name: values for name, values in wanted.items() if name != 'dangling'}
    found = filters.images(call.engine.list_images(), chosen)
    return of_json(_pruned(call, [info for info in found if everything or not info.references]))


def _pruned(call: Call, chosen: list[ImageInfo]) -> dict[str, object]:
    """Remove those of them that no container uses."""
    gone: list[dict[str, str]] = []
    freed, used = 0, {info.image_id for info in call.engine.list()}
    for info in chosen:
        if info.id not in used:
            gone += _shown(call.engine.remove_image(info.id, force=True))
            freed += info.size_bytes
    return {'ImagesDeleted': gone, 'SpaceReclaimed': freed}


def _shown(gone: Iterable[str]) -> list[dict[str, str]]:
    return [{'Deleted' if name.startswith('sha256:') else 'Untagged': name} for name in gone]


def disk_usage(call: Call) -> Answer:
    """GET /system/df: images, the containers that use them, and volumes; of one ``type``, if that is given."""
    wanted = call.query.texts('type')
    counted = call.engine.list_volumes(sizes=True) if not wanted or 'volume' in wanted else ()
    known = call.engine.list()
    users = Counter(info.image_id for info in known)
    images = call.engine.list_images() if not wanted or 'image' in wanted else ()
    shared = wire.shared_bytes(images)
    return of_json(versions.disk({
        'LayersSize': wire.layers_bytes(images),
        'Images': [wire.image_row(info, users[info.id], shared[info.id]) for info in images],
        'Containers': containers.rows(call, known, sizes=True) if not wanted or 'container' in wanted else [],
        'Volumes': [volumes.volume_body(info, counted=True) for info in counted], 'BuildCache': []}, call.version))
