# SPDX-License-Identifier: Apache-2.0
"""One blob on its way to a registry: only if it is not there already, and begun anew where it broke off."""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence

from nova_container import errors
from nova_container.registry.client import Repository
from nova_container.registry.download import Halt


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What to send: its digest and size where they are known before it is made, and how to make it."""

    pieces: Callable[[], Iterator[bytes]]
    digest: str | None = None
    size: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """What the registry has now. ``how`` is ``there``, ``mounted`` (from ``source``) or ``sent``."""

    digest: str
    size: int
    how: str
    source: str = ''


class Upload:
    """Brings one blob to a repository."""

    def __init__(self, repository: Repository, content: Content, halt: Halt, tell: Callable[[int], None]) -> None:
        self._repository, self._content, self._halt, self._tell = repository, content, halt, tell

    def run(self, elsewhere: Sequence[str] = ()) -> Sent:
        """Have it there.

        :param elsewhere: repositories of the same registry that may have it.
        :raises Unavailable: it broke off too often.
        """
        digest, size = self._content.digest, self._content.size
        if digest is not None and size is not None:
            if self._repository.has_blob(digest):
                return Sent(digest, size, 'there')
            for source in elsewhere:
                if self._mounted(digest, source):
                    return Sent(digest, size, 'mounted', source)
        return self._send_again_and_again()

    def _mounted(self, digest: str, source: str) -> bool:
        """A registry that does not take it begins an upload instead, which expires; asking again is as good."""
        try:
            return self._repository.begin_upload(digest, source) is None
        except (errors.Denied, errors.NotFound):
            return False

    def _send_again_and_again(self) -> Sent:
        settings = self._repository.registry.settings
        for failures in range(1, settings.attempts):
            try:
                return self._send()
            except errors.Unavailable:
                self._halt.wait(settings.backoff_s * 2 ** (failures - 1))
        return self._send()

    def _send(self) -> Sent:
        location = self._repository.begin_upload()
        if location is None:
            raise errors.Corrupt('The registry took a blob that was not offered')
        flow = _Flow(self._content.pieces, self._halt, self._tell)
        location = self._repository.send_blob(location, flow.begin, self._content.size)
        if self._content.digest not in (None, flow.digest):
            raise errors.DigestMismatch('A blob of the store', str(self._content.digest), flow.digest)
        self._repository.end_upload(location, flow.digest)
        return Sent(flow.digest, flow.size, 'sent')


class _Flow:
    """The bytes of one attempt, hashed and counted as they go."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]], halt: Halt, tell: Callable[[int], None]) -> None:
        self._pieces, self._halt, self._tell = pieces, halt, tell
        self._told_at = 0.0

    def begin(self) -> Iterator[bytes]:
        self._hash, self.size = hashlib.sha256(), 0
        return self._run()

    def _run(self) -> Iterator[bytes]:
        for piece in self._pieces():
            self._halt.check()
            self._hash.update(piece)
            self.size += len(piece)
            yield piece
            if time.monotonic() - self._told_at > 0.05:
                self._tell(self.size)
                self._told_at = time.monotonic()

    @property
    def digest(self) -> str:
        return f'sha256:{self._hash.hexdigest()}'
