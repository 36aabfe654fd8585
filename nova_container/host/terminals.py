# SPDX-License-Identifier: Apache-2.0
"""Pseudo terminals."""

import fcntl
import os
import pty
import struct
import termios
import tty


def open_raw() -> tuple[int, int]:
    """A new pair (ours, theirs) of descriptors that passes bytes through unchanged; both for the caller to close."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_inheritable(ours, False)
    return ours, theirs


def resize(descriptor: int, rows: int, columns: int) -> None:
    """Set the size of a terminal."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
