# SPDX-License-Identifier: Apache-2.0
"""What builds made, by all that they depend on: a build that was done before is answered without a builder.

The key covers the whole context (names, modes, owners, links, attributes and contents, but like Docker's cache no
times) and everything that was asked for; beside it stand the ids of the images that the recipe builds on. Builds that
take something from elsewhere, by ``ADD`` of a URL, are not kept (see ``Recipe.is_repeatable``).
"""

import dataclasses
import hashlib
import json
import logging
import os
from pathlib import Path

from nova_container import errors
from nova_container.engine.registry import BuildSpec
from nova_container.host import files
from nova_container.image.tar_reader import Entry, TarReader
from nova_container.image.tar_source import ByteSource
from nova_container.runtime import codec

LOG = logging.getLogger(__name__)

_FORM = 1
_KEPT = 1000
_NOT_IN_KEY = frozenset(('tags', 'cache', 'pull', 'credentials', 'network'))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build made, the images by the names its recipe has for them, and what it said of each step."""

    image_id: str
    bases: dict[str, str]
    said: tuple[str, ...]


class BuiltStore:
    """One small file for each build, in a folder that may be emptied at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> Built | None:
        """What a build of that key made."""
        path = self._folder / key
        try:
            found = codec.decode(Built, path.read_text())
            os.utime(path)
        except FileNotFoundError:
            return None
        except (errors.Corrupt, OSError, UnicodeDecodeError) as error:
            LOG.warning('What an earlier build made is not used: %s', error)
            return None
        return found

    def keep(self, key: str, built: Built) -> None:
        """Remember it; the ones asked for longest ago go when there are too many."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        files.write_atomically(self._folder / key, codec.encode(built).encode(), durable=False)
        every = list(self._folder.iterdir())
        if len(every) > _KEPT:
            for path in sorted(every, key=_used_at)[:len(every) - _KEPT]:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all."""
        files.remove_tree(self._folder)


def _used_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def key_of(context: Path, spec: BuildSpec, network: str, *, max_bytes: int, max_entries: int,
           deadline_s: float) -> str | None:
    """The key of a build of a plain tar; None if that cannot be read, which unpacking it then tells in its own way."""
    asked = {name: value for name, value in dataclasses.asdict(spec).items() if name not in _NOT_IN_KEY}
    total = hashlib.sha256(json.dumps([_FORM, network, asked], sort_keys=True).encode())
    try:
        with context.open('rb', buffering=0) as file:
            reader = TarReader(ByteSource(file, max_bytes, deadline_s, hashing=False), max_entries)
            for entry in reader:
                total.update(_described(entry))
                content = hashlib.sha256()
                for piece in reader.data():
                    content.update(piece)
                total.update(content.digest())
    except errors.ContainerError:
        return None
    return total.hexdigest()


def _described(entry: Entry) -> bytes:
    fields = (entry.name, entry.kind, entry.mode, entry.uid, entry.gid, entry.real_size, entry.link, entry.device,
              sorted(entry.xattrs.items()), entry.segments)
    return hashlib.sha256(repr(fields).encode()).digest()
