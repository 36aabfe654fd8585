# SPDX-License-Identifier: Apache-2.0
"""The verbs of the fake over a container's files."""

import posixpath
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.engine.fake import faults, files
from nova_container.engine.fake.container import Container
from nova_container.engine.fake.images import new_content
from nova_container.engine.fake.streams import FakeStreams


class FakeCopies(FakeStreams):
    """Files in, files out, and images of them."""

    @faults.verb
    def written_bytes(self, container: str) -> int:
        with self.changed:
            found = self.containers.find(container)
            nodes = (found.own_tree.find(change.path, follow_last=False)
                     for change in found.own_tree.changes(found.image.tree))
            return sum(len(node.data) for node in nodes if node is not None)

    @faults.verb
    def changes(self, container: str) -> tuple[state.Change, ...]:
        with self.changed:
            found = self.containers.find(container)
            return found.own_tree.changes(found.image.tree)

    @faults.verb
    def export(self, container: str) -> Iterator[bytes]:
        with self.changed:
            return iter((self.containers.find(container).own_tree.pack('/'),))

    @faults.verb
    def stat_path(self, container: str, path: str) -> state.FileStat:
        with self.changed:
            tree = self.containers.find(container).tree
            node = tree.find(path, follow_last=False)
            if node is None:
                raise errors.NotFound(f'No such path in container {container}: {path}')
            return state.FileStat(
                name=posixpath.basename(path.rstrip('/')) or '/', size_bytes=len(node.data), mode=node.st_mode,
                modified_at=node.modified_at,
                link_target=tree.resolve(path) if node.kind is files.Kind.LINK else '')

    @faults.verb
    def copy_out(self, container: str, path: str) -> Iterator[bytes]:
        with self.changed:
            tree = self.containers.find(container).tree
            if tree.find(path, follow_last=False) is None:
                raise errors.NotFound(f'No such path in container {container}: {path}')
            return iter((tree.pack(path),))

    @faults.verb
    def copy_in(self, container: str, path: str, archive: BinaryIO, *, may_change_kind: bool = True) -> None:
        with self.changed:
            tree = self.containers.find(container).tree
            if not tree.is_folder(path):
                raise errors.NotFound(f'No such directory in container {container}: {path}')
            staged = tree.copy()
            try:
                staged.unpack(archive, path, may_change_kind=may_change_kind)
            except (ValueError, OSError, tarfile.TarError) as error:
                raise errors.InvalidRequest(f'The archive cannot be unpacked: {error}') from error
            tree.become(staged)

    @faults.verb
    def commit(self, container: str, spec: specs.CommitSpec = specs.CommitSpec()) -> str:
        with self.changed:
            found = self.containers.find(container)
            layer = found.own_tree.pack_layer(found.image.tree)
            config = {**found.image.config, **_config(found), **spec.config}
            added = (layer,) if found.own_tree.changes(found.image.tree) else ()
            content = new_content(config, (*found.image.content.layers, *added), author=spec.author,
                                  comment=spec.comment, container=found.id)
            image_id = self.keep_image(content, spec.reference)
            self.publish(found, 'commit', imageID=image_id, imageRef=spec.reference or '')
            return image_id


def _config(container: Container) -> dict[str, Any]:
    process = container.spec.process
    own = {'Entrypoint': list(process.entrypoint or ()), 'Cmd': list(process.command or ()), 'Env': list(process.env),
           'WorkingDir': process.cwd, 'User': process.user, 'StopSignal': process.stop_signal,
           'Labels': dict(container.spec.labels)}
    return {name: value for name, value in own.items() if value}
