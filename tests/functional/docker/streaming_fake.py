# SPDX-License-Identifier: Apache-2.0
"""The engine in memory, with archives that come over a connection."""

import io
from typing import BinaryIO

from nova_container.engine.fake import FakeEngine


class StreamingFake(FakeEngine):
    """The fake seeks in the archives it is given; what comes over a connection cannot be sought in."""

    def copy_in(self, container: str, path: str, archive: BinaryIO, *, may_change_kind: bool = True) -> None:
        super().copy_in(container, path, io.BytesIO(archive.read()), may_change_kind=may_change_kind)
