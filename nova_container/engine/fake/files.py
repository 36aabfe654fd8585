# SPDX-License-Identifier: Apache-2.0
"""A file system in memory: enough of one for images, layers, copies and changes."""

import dataclasses
import enum
import errno
import io
import os
import posixpath
import stat
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import BinaryIO

from nova_container.engine import state

_LINKS_FOLLOWED = 40
_WHITEOUT = '.wh.'
_OPAQUE = '.wh..wh..opq'


class Kind(enum.Enum):
    """What a node is; the value is its file type in st_mode."""

    FILE = stat.S_IFREG
    FOLDER = stat.S_IFDIR
    LINK = stat.S_IFLNK


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One file, directory or symbolic link. ``mode`` holds the permission bits only."""

    kind: Kind
    mode: int = 0o644
    data: bytes = b''
    target: str = ''
    uid: int = 0
    gid: int = 0
    modified_at: float = dataclasses.field(default_factory=time.time)

    @property
    def st_mode(self) -> int:
        return self.kind.value | self.mode


class MountedNodes(MutableMapping[str, Node]):
    """The nodes of a tree, those at and below a folder taken from another one."""

    def __init__(self, nodes: MutableMapping[str, Node], target: str, mounted: MutableMapping[str, Node]) -> None:
        self._base, self._target, self._mounted = nodes, target, mounted

    def _at(self, path: str) -> tuple[MutableMapping[str, Node], str]:
        if path == self._target or path.startswith(f'{self._target}/'):
            return self._mounted, path[len(self._target):] or '/'
        return self._base, path

    def __getitem__(self, path: str) -> Node:
        nodes, inner = self._at(path)
        return nodes[inner]

    def __setitem__(self, path: str, node: Node) -> None:
        nodes, inner = self._at(path)
        nodes[inner] = node

    def __delitem__(self, path: str) -> None:
        nodes, inner = self._at(path)
        del nodes[inner]

    def __iter__(self) -> Iterator[str]:
        yield from [path for path in self._base if self._at(path)[0] is self._base]
        yield from [self._target + (inner if inner != '/' else '') for inner in list(self._mounted)]

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Tree:
    """Nodes by absolute path. Failures are the ``OSError`` a kernel would give."""

    def __init__(self, nodes: Mapping[str, Node] | None = None) -> None:
        self._nodes: MutableMapping[str, Node] = {'/': Node(kind=Kind.FOLDER, mode=0o755), **(nodes or {})}

    def copy(self) -> 'Tree':
        """The same files, of its own: what is mounted becomes a part of it."""
        return Tree(self._nodes)

    def become(self, other: 'Tree') -> None:
        """Take over all nodes of another tree at once; what is mounted takes what is below."""
        taken = dict(other._nodes)
        self._nodes.clear()
        self._nodes.update(taken)

    def mount(self, target: str, other: 'Tree') -> None:
        """Show another tree at ``target`` from now on, and change that one there."""
        self.make_folder(target, parents=True)
        self._nodes = MountedNodes(self._nodes, self.resolve(target), other._nodes)

    def below(self, path: str) -> 'Tree':
        """A copy of what is at a folder, as a tree of its own."""
        top = self.resolve(path).rstrip('/')
        return Tree({inner[len(top):] or '/': self._nodes[inner] for inner in [top or '/', *self._below(top or '/')]
                     if inner in self._nodes})

    @property
    def is_empty(self) -> bool:
        return len(self._nodes) <= 1

    @property
    def size_bytes(self) -> int:
        return sum(len(node.data) for node in self._nodes.values())

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        """The path with symbolic links followed inside the tree; its last part may not exist."""
        todo, done, followed = path.strip('/').split('/'), '/', 0
        while todo:
            part = todo.pop(0)
            if part in ('', '.', '..'):
                done = posixpath.dirname(done) if part == '..' else done
                continue
            step = posixpath.join(done, part)
            node = self._nodes.get(step)
            if node is None or node.kind is not Kind.LINK or not (todo or follow_last):
                done = step
                continue
            followed += 1
            if followed > _LINKS_FOLLOWED:
                raise _os_error(errno.ELOOP, path)
            todo = node.target.split('/') + todo
            done = '/' if node.target.startswith('/') else done
        return done

    def find(self, path: str, *, follow_last: bool = True) -> Node | None:
        return self._nodes.get(self.resolve(path, follow_last=follow_last))

    def without(self, mounted: Iterable[str], image: 'Tree') -> 'Tree':
        """A copy that shows what is below these mounts: their targets as the image has them."""
        bare = self.copy()
        for target in mounted:
            for path in [target, *bare._below(target)]:
                bare._nodes.pop(path, None)
            bare._nodes.update({path: image._nodes[path] for path in [target, *image._below(target)]
                                if path in image._nodes})
        return bare

    def is_folder(self, path: str) -> bool:
        node = self.find(path)
        return node is not None and node.kind is Kind.FOLDER

    def read(self, path: str) -> bytes:
        node = self.find(path)
        if node is None:
            raise _os_error(errno.ENOENT, path)
        if node.kind is Kind.FOLDER:
            raise _os_error(errno.EISDIR, path)
        return node.data

    def write(self, path: str, data: bytes, *, append: bool = False, mode: int = 0o644) -> None:
        found = self.find(path)
        if found is not None and found.kind is Kind.FOLDER:
            raise _os_error(errno.EISDIR, path)
        self._put(self.resolve(path), Node(
            kind=Kind.FILE, mode=found.mode if found else mode,
            data=(found.data if found and append else b'') + data))

    def make_folder(self, path: str, *, parents: bool = False) -> None:
        resolved = self.resolve(path)
        if resolved in self._nodes:
            if parents and self._nodes[resolved].kind is Kind.FOLDER:
                return
            raise _os_error(errno.EEXIST, path)
        if parents:
            self.make_folder(posixpath.dirname(resolved), parents=True)
        self._put(resolved, Node(kind=Kind.FOLDER, mode=0o755))

    def make_link(self, path: str, target: str) -> None:
        resolved = self.resolve(path, follow_last=False)
        if resolved in self._nodes:
            raise _os_error(errno.EEXIST, path)
        self._put(resolved, Node(kind=Kind.LINK, mode=0o777, target=target))

    def remove(self, path: str, *, recursive: bool = False) -> None:
        resolved = self.resolve(path, follow_last=False)
        node = self._nodes.get(resolved)
        if node is None:
            raise _os_error(errno.ENOENT, path)
        if node.kind is Kind.FOLDER and not recursive:
            raise _os_error(errno.EISDIR, path)
        for inner in [resolved, *self._below(resolved)]:
            del self._nodes[inner]

    def changes(self, base: 'Tree') -> tuple[state.Change, ...]:
        """How this tree differs from ``base``, by path, a deleted directory as one."""
        kinds: dict[str, state.ChangeKind] = {}
        for path, node in self._nodes.items():
            if path not in base._nodes:
                kinds[path] = state.ChangeKind.ADDED
            elif base._nodes[path] != node:
                kinds[path] = state.ChangeKind.MODIFIED
        for path in base._nodes:
            if path not in self._nodes and posixpath.dirname(path) in self._nodes:
                kinds[path] = state.ChangeKind.DELETED
        for path in list(kinds):
            while (path := posixpath.dirname(path)) != '/':
                kinds.setdefault(path, state.ChangeKind.MODIFIED)
        kinds.pop('/', None)
        return tuple(state.Change(path, kinds[path]) for path in sorted(kinds))

    def pack(self, path: str) -> bytes:
        """A tar of what is at ``path``, named from its last part on; of the root, without one."""
        top = self.resolve(path, follow_last=False)
        if top not in self._nodes:
            raise _os_error(errno.ENOENT, path)
        cut = len(posixpath.dirname(top).rstrip('/')) + 1
        return self._tar((inner, inner[cut:]) for inner in [top, *sorted(self._below(top))] if inner != '/')

    def pack_layer(self, base: 'Tree') -> bytes:
        """A layer that makes ``base`` into this tree, with whiteouts."""
        names = []
        for change in self.changes(base):
            folder, name = posixpath.split(change.path)
            gone = change.kind is state.ChangeKind.DELETED
            names.append((change.path, (posixpath.join(folder, _WHITEOUT + name) if gone else change.path)[1:]))
        return self._tar(names)

    def unpack(self, archive: BinaryIO, path: str = '/', *, layer: bool = False, may_change_kind: bool = True) -> None:
        """Lay a tar over the directory ``path``; with ``layer``, whiteouts delete.

        :raises ValueError: an entry climbs out, or would change between a directory and a file.
        :raises tarfile.TarError: it is no tar.
        """
        with tarfile.open(fileobj=archive, mode='r:*') as entries:
            for entry in entries:
                if '..' in entry.name.split('/'):
                    raise ValueError(f'entry {entry.name!r} climbs out of its directory')
                where = self.resolve(posixpath.join(path, entry.name.lstrip('/')), follow_last=False)
                if not (layer and self._white_out(where)):
                    self._make_way(where, entry, may_change_kind=may_change_kind)
                    self._take(where, entry, entries)

    def _make_way(self, where: str, entry: tarfile.TarInfo, *, may_change_kind: bool) -> None:
        if where == '/' or where not in self._nodes or self.is_folder(where) == entry.isdir():
            return
        if not may_change_kind:
            raise ValueError(f'{where} would change between a directory and a file')
        self.remove(where, recursive=True)

    def _take(self, where: str, entry: tarfile.TarInfo, entries: tarfile.TarFile) -> None:
        if where == '/' or (entry.isdir() and self.is_folder(where)):
            return
        content = entries.extractfile(entry) if entry.isreg() else None
        kind = Kind.FOLDER if entry.isdir() else Kind.LINK if entry.issym() else Kind.FILE
        data = content.read() if content else b''
        if entry.islnk():
            data = self.read(f'/{entry.linkname}')
        self.make_folder(posixpath.dirname(where), parents=True)
        self._put(where, Node(kind=kind, mode=entry.mode & 0o7777, data=data, uid=entry.uid, gid=entry.gid,
                              target=entry.linkname if entry.issym() else '', modified_at=entry.mtime))

    def _white_out(self, where: str) -> bool:
        folder, name = posixpath.split(where)
        if not name.startswith(_WHITEOUT):
            return False
        doomed = self._below(folder) if name == _OPAQUE else [posixpath.join(folder, name[len(_WHITEOUT):])]
        for path in doomed:
            if path in self._nodes:
                self.remove(path, recursive=True)
        return True

    def _put(self, resolved: str, node: Node) -> None:
        parent = self._nodes.get(posixpath.dirname(resolved))
        if parent is None:
            raise _os_error(errno.ENOENT, resolved)
        if parent.kind is not Kind.FOLDER:
            raise _os_error(errno.ENOTDIR, resolved)
        self._nodes[resolved] = node

    def _below(self, folder: str) -> list[str]:
        start = f'{folder.rstrip("/")}/'
        return [path for path in self._nodes if path.startswith(start) and path != folder]

    def _tar(self, names: Iterable[tuple[str, str]]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode='w', format=tarfile.PAX_FORMAT) as archive:
            for path, name in names:
                node = self._nodes.get(path, Node(kind=Kind.FILE))
                entry = tarfile.TarInfo(name)
                entry.type = {Kind.FILE: tarfile.REGTYPE, Kind.FOLDER: tarfile.DIRTYPE,
                              Kind.LINK: tarfile.SYMTYPE}[node.kind]
                entry.mode, entry.uid, entry.gid, entry.mtime = node.mode, node.uid, node.gid, int(node.modified_at)
                entry.size, entry.linkname = len(node.data), node.target
                archive.addfile(entry, io.BytesIO(node.data))
        return buffer.getvalue()


def _os_error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)
