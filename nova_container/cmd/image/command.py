# SPDX-License-Identifier: Apache-2.0
"""The command line of ``nova-container-image``."""

import argparse
import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import docker.utils.build

from nova_container import errors
from nova_container.cmd.image import cloud, remote
from nova_container.cmd.image.progress import Display, shown_size
from nova_container.connect import connect
from nova_container.engine.registry import BuildSpec, Credentials
from nova_container.image import archive
from nova_container.image import reference as references
from nova_container.image.archive import LoadedImage
from nova_container.image.blobs import BlobStore
from nova_container.registry import RegistrySettings

_ENGINE = 'unix:///run/nova-container/engine.sock'
_PASSWORD = 'NOVA_CONTAINER_REGISTRY_PASSWORD'


def main(argv: Sequence[str] | None = None) -> int:
    """0 if all was done; 1 with a sentence on standard error if not."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.act(arguments, Display())
    except errors.ContainerError as error:
        print(f'nova-container-image: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('nova-container-image: stopped; nothing was left in Glance', file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='nova-container-image', description='Images between registries, Dockerfiles and Glance. The cloud and '
        'the user are those of OS_CLOUD or OS_*, as for the openstack command.')
    parser.add_argument('--os-cloud', help='a cloud of clouds.yaml')
    verbs = parser.add_subparsers(required=True, metavar='VERB')
    pull = _verb(verbs, 'pull', _pull, 'from a registry into Glance')
    pull.add_argument('reference', metavar='REFERENCE', help='as registry.example.org/web:1 or name@sha256:...')
    pull.add_argument('--platform', default='', help='as linux/arm64; this machine\'s if not given')
    _of_image(pull)
    _of_registry(pull)
    push = _verb(verbs, 'push', _push, 'from Glance to a registry')
    push.add_argument('image', metavar='IMAGE', help='name or id of an image in Glance')
    push.add_argument('reference', metavar='REFERENCE', help='where to, as registry.example.org/web:1')
    _of_registry(push)
    build = _verb(verbs, 'build', _build, 'from a Dockerfile into Glance, by a container engine')
    build.add_argument('folder', metavar='FOLDER', type=Path, help='the context, with the Dockerfile in it')
    build.add_argument('--file', default='Dockerfile', help='the Dockerfile, below the folder (Dockerfile)')
    build.add_argument('--build-arg', action='append', default=[], metavar='NAME=VALUE', help='for ARG; repeatable')
    build.add_argument('--target', default='', help='stop at this stage')
    build.add_argument('--engine', default=_ENGINE, metavar='URL', help=f'which engine builds ({_ENGINE})')
    _of_image(build)
    layers = _verb(verbs, 'layers', _layers, 'what images consist of, and what they share')
    layers.add_argument('images', metavar='IMAGE', nargs='+', help='names or ids of images in Glance')
    return parser


def _verb(verbs: Any, name: str, act: Callable[[argparse.Namespace, Display], None],
          text: str) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text.capitalize() + '.')
    found.set_defaults(act=act)
    return found


def _of_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--name', help='of the image in Glance; what it comes from if not given')
    parser.add_argument('--property', action='append', default=[], metavar='NAME=VALUE',
                        help='of the image in Glance; repeatable')


def _of_registry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--username', help=f'at the registry; the password is read from {_PASSWORD}')
    parser.add_argument('--auth-file', type=Path, default=Path('~/.docker/config.json').expanduser(),
                        help='file of `docker login` to read credentials from (~/.docker/config.json)')
    parser.add_argument('--insecure', action='append', default=[], metavar='REGISTRY',
                        help='do not check the certificate of this registry, and let it speak HTTP; repeatable')


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    found = dict(text.partition('=')[::2] for text in texts)
    if wrong := next((text for text in texts if not text.partition('=')[0] or '=' not in text), None):
        raise errors.InvalidRequest(f'{option} {wrong}: give NAME=VALUE')
    return found


def _login(arguments: argparse.Namespace) -> Credentials | None:
    domain = references.parse(arguments.reference).domain
    if not arguments.username:
        return remote.credentials(arguments.auth_file, domain)
    password = os.environ.get(_PASSWORD)
    if password is None:
        raise errors.InvalidRequest(f'--username needs the password in the environment: set {_PASSWORD}')
    return Credentials(username=arguments.username, password=password, server=domain)


def _settings(arguments: argparse.Namespace) -> RegistrySettings:
    return RegistrySettings(insecure=tuple(arguments.insecure))


@contextlib.contextmanager
def _store() -> Iterator[BlobStore]:
    with tempfile.TemporaryDirectory(prefix='nova-container-image-') as folder:
        yield BlobStore(Path(folder))


def _pull(arguments: argparse.Namespace, display: Display) -> None:
    wanted, properties = references.parse(arguments.reference), _pairs(arguments.property, '--property')
    login = _login(arguments)
    images = cloud.Images(arguments.os_cloud)
    with _store() as blobs:
        found, digest = remote.fetch(arguments.reference, arguments.platform, blobs, _settings(arguments), login,
                                     display)
        size = archive.total_size((found,), blobs)
        with display.counted('upload to Glance', size) as count:
            image = images.add(
                arguments.name or wanted.familiar(), archive.write_archive((found,), blobs), size,
                found.config.architecture,
                {'container_reference': wanted.familiar(), 'container_digest': digest, **properties}, count)
    print(image.id)


def _push(arguments: argparse.Namespace, display: Display) -> None:
    login = _login(arguments)
    images = cloud.Images(arguments.os_cloud)
    image = images.find(arguments.image)
    with _store() as blobs:
        loaded = _loaded(images, image, blobs, display)
        print(remote.send(loaded, blobs, arguments.reference, _settings(arguments), login, display))


def _loaded(images: cloud.Images, image: Any, blobs: BlobStore, display: Display) -> LoadedImage:
    with display.counted(f'download {image.name or image.id}', image.size) as count:
        found = archive.read_archive(images.read(image.id, count), blobs).images
    if len(found) != 1:
        raise errors.UnacceptableImage(f'Image {image.name or image.id} holds {len(found)} images, one is needed')
    return found[0]


def _build(arguments: argparse.Namespace, display: Display) -> None:
    properties, given = _pairs(arguments.property, '--property'), _pairs(arguments.build_arg, '--build-arg')
    if not (arguments.folder / arguments.file).is_file():
        raise errors.InvalidRequest(f'There is no {arguments.folder / arguments.file}: name the Dockerfile by --file')
    images, engine = cloud.Images(arguments.os_cloud), connect(arguments.engine, timeout_s=3600)
    tag = f'nova-container-image/{secrets.token_hex(8)}:latest'
    spec = BuildSpec(dockerfile=arguments.file, tags=(tag,), arguments=given, target=arguments.target)
    with contextlib.closing(engine):
        try:
            for line in engine.build(_context(arguments.folder, arguments.file), spec):
                if text := (line.stream or line.status).rstrip():
                    display.say(text)
            with display.counted('upload to Glance', None) as count:
                image = images.add(
                    arguments.name or arguments.folder.resolve().name, iter(engine.save((tag,))), None,
                    engine.inspect_image(tag).architecture, properties, count)
        finally:
            engine.remove_image(tag)
    print(image.id)


def _context(folder: Path, dockerfile: str) -> BinaryIO:
    ignored = folder / '.dockerignore'
    lines = ignored.read_text('utf-8').splitlines() if ignored.exists() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith('#')]
    files = sorted(docker.utils.build.exclude_paths(str(folder), patterns, dockerfile=dockerfile))
    packed: BinaryIO = docker.utils.build.create_archive(root=str(folder), files=files)
    return packed


def _layers(arguments: argparse.Namespace, display: Display) -> None:
    images = cloud.Images(arguments.os_cloud)
    found = [images.find(name) for name in dict.fromkeys(arguments.images)]
    users: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    with _store() as blobs:
        for image in found:
            for layer in _loaded(images, image, blobs, display).layers:
                users.setdefault(layer.blob_digest, []).append(image.name or image.id)
                sizes[layer.blob_digest] = layer.size
    print(f'{"layer":<19}  {"size":>10}  in')
    for digest, names in users.items():
        print(f'{digest[:19]}  {shown_size(sizes[digest]):>10}  {", ".join(dict.fromkeys(names))}')
    apart = sum(sizes[digest] * len(set(names)) for digest, names in users.items())
    print(f'{shown_size(sum(sizes.values()))} together, {shown_size(apart)} if each image had its own')


if __name__ == '__main__':
    sys.exit(main())
