# SPDX-License-Identifier: Apache-2.0
"""nova-container-store: look after the images of a container store: list, check, gc."""

import argparse
import logging
import os
import sys
import time
from typing import Any

from glance_store import exceptions
from oslo_config import cfg

from glance_store_container import settings
from glance_store_container.backend import Backend
from nova_container import errors
from nova_container.image.stored import Place


def list_opts() -> list[tuple[str, list[Any]]]:
    """The options for oslo-config-generator, in the section of a single store."""
    return [('glance_store', settings.OPTIONS)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 1 if something is wrong, 2 if it could not be done."""
    logging.basicConfig(level=logging.WARNING, format='%(message)s')
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(_opened(asked), asked))
    except (errors.ContainerError, exceptions.GlanceStoreException, cfg.Error, OSError) as error:
        print(f'nova-container-store: {error}', file=sys.stderr)
        return 2


def show(backend: Backend, _asked: argparse.Namespace) -> int:
    """One line for each image: its id, size in bytes, blobs, and the manifest by which it can be pulled."""
    for place in sorted(backend.places(), key=lambda one: one.image_id):
        record = backend.record(place)
        recipe = backend.recipe(record)
        print(place.image_id, recipe.size, len(record.all_blobs), recipe.manifest or '-')
    return 0


def check(backend: Backend, asked: argparse.Namespace) -> int:
    """Say what is wrong with any image."""
    places = backend.places()
    found = [problem for place in places for problem in backend.problems(place, deep=not asked.quick)]
    print(*found, f'{len(places)} images checked, {len(found)} problems', sep='\n')
    return 1 if found else 0


def collect(backend: Backend, asked: argparse.Namespace) -> int:
    """Remove what no image needs, and say what that was."""
    unknown = _unknown(backend, asked) if asked.known else []
    done = backend.collect(unknown)
    print(*done.done, f'{len(done.done)} things done, {done.freed_bytes} bytes freed', sep='\n')
    return 0


def _unknown(backend: Backend, asked: argparse.Namespace) -> list[Place]:
    """Images that are not in the list and old enough: an image is in the store a moment before Glance lists it."""
    with sys.stdin if asked.known == '-' else open(asked.known) as file:
        known = set(file.read().split())
    if not known:
        raise errors.InvalidRequest('The list of known images is empty: that would remove every image')
    latest = time.time() - asked.min_age
    return [place for place in backend.places()
            if place.image_id not in known and backend.recipe(backend.record(place)).created <= latest]


def _opened(asked: argparse.Namespace) -> Backend:
    conf = cfg.ConfigOpts()
    conf.register_opts(settings.OPTIONS, group=asked.store)
    conf(args=[], project='glance', prog='glance-api', default_config_files=asked.config_file or None)
    options = getattr(conf, asked.store)
    _become_owner(options.container_store_directory)
    return settings.backend(options)


def _become_owner(directory: str) -> None:
    """Act as the user whose directory it is: what is written there must stay Glance's to read."""
    owner = os.stat(directory)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    if os.geteuid() != owner.st_uid:
        raise errors.Denied(f'{directory} belongs to the user {owner.st_uid}: run this as that user, or as root')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='nova-container-store', description=__doc__.partition(':')[2].strip())
    parser.add_argument('--config-file', action='append', help='glance-api.conf, wherever it is not found by itself')
    parser.add_argument('--store', default='glance_store', metavar='ID',
                        help='the store of enabled_backends; none with a single store')
    verbs = parser.add_subparsers(required=True, metavar='list | check | gc')
    verbs.add_parser('list', help='one line for each image: id, bytes, blobs, manifest').set_defaults(run=show)
    checked = verbs.add_parser('check', help='read every image and say what is wrong')
    checked.add_argument('--quick', action='store_true', help='see that all is there, do not read it')
    checked.set_defaults(run=check)
    collected = verbs.add_parser('gc', help='remove what no image needs, repair what an interrupted act left')
    collected.add_argument('--known', metavar='FILE', help='ids of all images of Glance (- reads them here), as an '
                           'administrator gets by "openstack image list --all -f value -c ID" without and with '
                           '--hidden: others are removed too')
    collected.add_argument('--min-age', type=float, default=86400, metavar='SECONDS',
                           help='keep unknown images that are younger, which Glance may be about to list')
    collected.set_defaults(run=collect)
    return parser


if __name__ == '__main__':
    sys.exit(main())
