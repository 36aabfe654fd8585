# SPDX-License-Identifier: Apache-2.0
"""The console of a container is what its first process wrote."""

import collections
from typing import Any

from nova_container.engine import spec as specs

_LEAST_LINE_BYTES = 8


def output(engine: Any, container: str, *, limit_bytes: int) -> bytes:
    """The last ``limit_bytes`` of output, of this run and those before it.

    :raises ContainerNotFound:
    """
    kept: collections.deque[bytes] = collections.deque()
    size = 0
    for chunk in engine.logs(container, specs.LogQuery(tail=limit_bytes // _LEAST_LINE_BYTES)):
        kept.append(chunk.data)
        size += len(chunk.data)
        while size - len(kept[0]) >= limit_bytes:
            size -= len(kept.popleft())
    return b''.join(kept)[-limit_bytes:]
