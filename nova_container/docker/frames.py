# SPDX-License-Identifier: Apache-2.0
"""Docker's multiplexing of output: each piece after 8 bytes that tell the stream and the length.

Source: moby ``api/swagger.yaml``, "Stream format" of POST /containers/{id}/attach.
"""

import struct
from collections.abc import Iterator

from nova_container import errors
from nova_container.engine import state

_HEADER = struct.Struct('>BxxxI')
_NUMBERS = {state.StreamName.STDIN: 0, state.StreamName.STDOUT: 1, state.StreamName.STDERR: 2}
_NAMES = {number: name for name, number in _NUMBERS.items()}
LIMIT_BYTES = 64 * 1024 * 1024
"""No engine writes a larger frame; a header that says so is not one."""

Frame = tuple[state.StreamName, bytes]


def encode(stream: state.StreamName, data: bytes) -> bytes:
    """One frame."""
    return _HEADER.pack(_NUMBERS[stream], len(data)) + data


class Decoder:
    """Splits a stream of bytes back into frames; a frame may come in parts."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now. :raises Corrupt: this is no multiplexed stream."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._buffer)
            if number not in _NAMES or length > LIMIT_BYTES:
                raise errors.Corrupt('The engine sent output that is not multiplexed')
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[_HEADER.size:end])
            del self._buffer[:end]
            yield _NAMES[number], frame
