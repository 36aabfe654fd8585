# SPDX-License-Identifier: Apache-2.0
"""The folders of uploads that run, told from those whose process is gone by a lock that the kernel lets go."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from glance_store_container.staging import Stage
from nova_container.host import files


class Incoming:
    """A directory with a folder for each upload.

    :param root: must exist, or is made by ``prepare``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def stage(self, borrow: Callable[[str, Path], bool]) -> Iterator[Stage]:
        """A folder of its own for the block, see ``Stage``."""
        with files.locked(self.root / 'lock'):  # nobody may see it without its lock
            folder = Path(tempfile.mkdtemp(prefix='upload-', dir=self.root))
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield Stage(folder, borrow)
        finally:
            shutil.rmtree(folder)
            os.close(lock)

    def discard_left(self) -> list[str]:
        """Remove the folders of uploads that run no more; their names."""
        found = []
        with files.locked(self.root / 'lock'):
            for folder in self.root.glob('upload-*'):
                with contextlib.suppress(FileNotFoundError):
                    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        shutil.rmtree(folder)
                        found.append(folder.name)
                    except BlockingIOError:
                        continue
                    finally:
                        os.close(lock)
        return found
