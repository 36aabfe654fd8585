# SPDX-License-Identifier: Apache-2.0
"""What one client may use of the server."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a connection; the defaults suit a daemon.

    ``idle_s`` is between two requests, ``head_s`` for a request's head from its first byte, ``stall_s`` for a
    client that neither sends nor takes what it should.
    """

    connections: int = 1024
    head_bytes: int = 64 * 1024
    json_bytes: int = 4 * 1024 * 1024
    idle_s: float = 300.0
    head_s: float = 10.0
    stall_s: float = 300.0
    slice_s: float = 1.0
    follow_slice_s: float = 30.0
