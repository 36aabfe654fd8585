# SPDX-License-Identifier: Apache-2.0
"""Files in and out of a container, by child processes that are shut into its root."""

import contextlib
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nova_container import errors
from nova_container.engine.spec import MountKind
from nova_container.engine.state import FileStat
from nova_container.host import files, forks
from nova_container.image import treetar, unpack
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.verbs import images

_BLOCK = 1 << 17
_DEADLINE_S = 3600.0
_WRITTEN_BY_US = ('/etc/hostname', '/etc/hosts', '/etc/resolv.conf')


def written_bytes(parts: Parts, name: str) -> int:
    """See ``ContainerOps.written_bytes``."""
    try:
        return files.size_of_tree(parts.folder(parts.register.get(name)).upper)
    except FileNotFoundError:  # it was removed meanwhile
        raise errors.ContainerNotFound(name) from None


def stat_path(parts: Parts, name: str, path: str) -> FileStat:
    """See ``ContainerOps.stat_path``."""
    root, inner = _at(parts, parts.register.get(name), path)
    said = parts.forks.output(treetar.words_for_stat(root, inner))
    found = treetar.parse_stat(said)
    return FileStat(name=found.name if inner == path else _base(path), size_bytes=found.size, mode=found.mode,
                    modified_at=found.mtime_ns / 1e9, link_target=found.link_target)


def copy_out(parts: Parts, name: str, path: str) -> Iterator[bytes]:
    """See ``ContainerOps.copy_out``."""
    stat_path(parts, name, path)
    root, inner = _at(parts, parts.register.get(name), path)
    return _stream(parts, treetar.words_for(root, inner, name=None if inner == path else _base(path)))


def export(parts: Parts, name: str) -> Iterator[bytes]:
    """See ``ContainerOps.export``."""
    return _stream(parts, treetar.words_for(parts.folder(parts.register.get(name)).root, '/', name=''))


def _at(parts: Parts, container: Container, path: str, *, write: bool = False) -> tuple[Path, str]:
    """The root to be shut in, and the path in it: what is mounted there from the host is not in the container's own.

    :raises Denied: it would write to what the container itself may not write.
    """
    normal = posixpath.normpath(posixpath.join('/', path))
    found = [mount for mount in container.record.mounted if mount.kind is not MountKind.TMPFS
             and f'{normal}/'.startswith(f'{mount.target}/')]
    if not found:
        if write and container.record.spec.security.read_only_root and container.record.started_at is not None:
            raise errors.Denied(f'{path[:256]!r} is read-only for the container, as its root is')
        if not write and normal in _WRITTEN_BY_US:
            return parts.folder(container).etc, posixpath.join('/', posixpath.basename(normal))
        return parts.folder(container).root, path
    mount = max(found, key=lambda each: len(each.target))
    if write and mount.read_only:
        raise errors.Denied(f'{path[:256]!r} is in a mount that is read-only for the container')
    rest = normal[len(mount.target):] + ('/' if path.endswith(('/', '/.')) else '')
    if mount.kind is MountKind.VOLUME:  # whose part is found by the one shut in, as a container may make links of it
        return parts.volumes.folder(mount.source), f'/{mount.subpath}{rest}'
    source = Path(mount.source)
    return (source, rest or '/') if source.is_dir() else (source.parent, f'/{source.name}{rest}')


def _base(path: str) -> str:
    return posixpath.basename(posixpath.normpath(path))


def _stream(parts: Parts, words: list[str]) -> Iterator[bytes]:
    with contextlib.closing(parts.forks.spawn(words, stdout=forks.PIPE, stderr=forks.PIPE)) as child:
        assert child.stdout and child.stderr
        while block := child.stdout.read(_BLOCK):
            yield block
        said = child.stderr.read()
        if child.wait():
            treetar.raise_error(said)


def copy_in(parts: Parts, name: str, path: str, archive: BinaryIO, *, may_change_kind: bool) -> None:
    """See ``ContainerOps.copy_in``."""
    container = parts.register.get(name)
    limits = unpack.UnpackLimits(max_bytes=parts.settings.max_image_bytes,
                                 max_entries=parts.settings.max_image_entries, deadline_s=_DEADLINE_S)
    root, inner = _at(parts, container, path, write=True)
    words = unpack.words_for_tree(root, inner, limits, may_change_kind=may_change_kind)
    with images.damage_is_the_senders():
        unpack.parse_output(parts.forks.feed(words, source=archive, timeout_s=_DEADLINE_S))
