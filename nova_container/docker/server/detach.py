# SPDX-License-Identifier: Apache-2.0
"""The keys that detach a person from a terminal, ctrl-p ctrl-q unless others are asked for."""

from nova_container import errors

_DEFAULT = b'\x10\x11'
_CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_'


def parse(text: str) -> bytes:
    """``ctrl-a,b`` as the bytes a terminal sends. :raises InvalidRequest:"""
    if not text:
        return _DEFAULT
    return b''.join(_byte(key) for key in text.split(','))


def _byte(key: str) -> bytes:
    if len(key) == 1 and key.isascii():
        return key.encode()
    letter = key.removeprefix('ctrl-')
    if len(letter) != 1 or letter not in _CONTROL:
        raise errors.InvalidRequest(f'Invalid detach keys: unknown key {key[:32]!r}')
    return bytes((_CONTROL.index(letter),))


class DetachKeys:
    """Takes the keys out of what is typed."""

    def __init__(self, keys: str) -> None:
        self._keys = parse(keys)
        self._held = b''
        self.pressed = False

    def filter(self, data: bytes) -> bytes:
        """What to pass on; keys that may be the begin of the sequence are held back."""
        data = self._held + data
        self._held = b''
        before, found, _ = data.partition(self._keys)
        if found:
            self.pressed = True
            return before
        for size in range(min(len(self._keys) - 1, len(data)), 0, -1):
            if self._keys.startswith(data[-size:]):
                self._held = data[-size:]
                return data[:-size]
        return data
