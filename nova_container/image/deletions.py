# SPDX-License-Identifier: Apache-2.0
"""Deletions of a layer being unpacked: ``.wh.`` entries turned into overlayfs's marks.

A deletion concerns the layers below only; what the very same layer holds under the name stays, whichever comes first
(OCI image-spec, layer.md, "Whiteouts").
"""

import errno
import os
import stat

from nova_container.image import whiteout
from nova_container.image.confined import ConfinedRoot

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_DIRECTORY = (errno.ENOTDIR, errno.ELOOP)


class Deletions:
    """The deletions of one layer.

    :ivar hides_below: the layer's own root was marked opaque. Overlayfs gives that mark no effect on a root (measured,
        Linux 6.18), so the runtime must leave out the layers below instead.
    """

    def __init__(self, root: ConfinedRoot) -> None:
        self._root = root
        self._opaque: set[bytes] = set()
        self.hides_below = False

    def apply(self, parts: list[bytes]) -> bool:
        """Make the mark if the path is that of a deletion, and say whether the entry is thereby done.

        :param parts: the components of the path, at least one.
        :raises UnacceptableImage: the deletion is invalid.
        """
        if whiteout.is_metadata(parts):
            return True
        directory = b'/'.join(parts[:-1])
        if parts[-1] == whiteout.OPAQUE_NAME:
            self._hide_below(directory)
            return True
        if parts[-1].startswith(whiteout.PREFIX):
            name = whiteout.deleted_name(parts[-1])
            self._delete(self._root.directory(directory, make=True), name)
            return True
        return False

    def forget(self) -> None:
        """Forget which directories are marked. Needed after a directory or a link was removed."""
        self._opaque.clear()

    def _hide_below(self, path: bytes) -> None:
        """Mark the directory, once however often that is asked (CVE-2026-95838)."""
        if path in self._opaque:
            return
        _mark(self._root.directory(path, make=True), b'.')
        self._opaque.add(path)
        self.hides_below = self.hides_below or not path

    def _delete(self, parent_fd: int, name: bytes) -> None:
        try:
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=parent_fd)
        except FileExistsError:
            try:
                _mark(parent_fd, name)
            except OSError as error:
                if error.errno not in _NO_DIRECTORY:
                    raise


def _mark(parent_fd: int, name: bytes) -> None:
    directory = os.open(name, _OPEN, dir_fd=parent_fd)
    try:
        whiteout.mark_opaque(directory)
    finally:
        os.close(directory)
