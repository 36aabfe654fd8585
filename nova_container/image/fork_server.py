# SPDX-License-Identifier: Apache-2.0
"""A process that has imported what works inside trees, and forks for each piece of work.

To start Python and to import takes 60 ms, a fork 2 ms (measured): most layers and copies are smaller than that. The
server holds only the capabilities of its children (``child.argv``) and does nothing with what others wrote; each child
is shut in as one that was started by itself.

It is started with a socket of packets as standard input. A packet is a JSON list of words, the first one the name of
the work, with four descriptors: standard input, output and error, and a socket that first gets the process id with a
pidfd of the child (or ``-`` and an error number), then the exit code. The server ends when nobody holds the other end,
or when it was idle for a while; what was sent meanwhile is lost, which its sender sees at the end of that socket.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from nova_container.image import child, tar_split, treetar, unpack

_IDLE_S = 60.0
_PACKET_BYTES = 1 << 17
_STREAMS = 4
_WORK: dict[str, Callable[[Sequence[str]], int]] = {
    unpack.WORK: unpack.main, treetar.WORK: treetar.main, tar_split.WORK: tar_split.main}


def argv() -> list[str]:
    """Return the command that is the server."""
    return child.argv('nova_container.image.fork_server', [])


def main(argv: Sequence[str]) -> int:
    """Serve until the other end is closed, or nothing was to do for a time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    return _Server(socket.socket(fileno=os.dup(0))).serve()


class _Server:
    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._poller = select.poll()
        self._poller.register(asked, select.POLLIN)
        self._children: dict[int, tuple[int, socket.socket]] = {}  # by pidfd

    def serve(self) -> int:
        while True:
            found = self._poller.poll(None if self._children else _IDLE_S * 1000)
            if not found:
                return 0
            for descriptor, _ in found:
                if descriptor in self._children:
                    self._ended(descriptor)
                elif not self._take():
                    return 0

    def _take(self) -> bool:
        """Begin a piece of work; False if the other end was closed."""
        packet, descriptors, _, _ = socket.recv_fds(self._asked, _PACKET_BYTES, _STREAMS)
        if not packet:
            return False
        *streams, told = descriptors
        answer = socket.socket(fileno=told)
        try:
            pid = os.fork()
        except OSError as error:
            answer.sendall(f'- {error.errno}'.encode())
            answer.close()
        else:
            if not pid:
                _work(json.loads(packet), streams)
            self._began(pid, answer)
        for descriptor in streams:
            os.close(descriptor)
        return True

    def _began(self, pid: int, answer: socket.socket) -> None:
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = pid, answer
        self._poller.register(pidfd, select.POLLIN)
        _tell(lambda: socket.send_fds(answer, [str(pid).encode()], [pidfd]))

    def _ended(self, pidfd: int) -> None:
        pid, answer = self._children.pop(pidfd)
        self._poller.unregister(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _tell(lambda: answer.sendall(str(code).encode()))
        answer.close()


def _tell(send: Callable[[], object]) -> None:
    """Tell somebody who may be gone."""
    with contextlib.suppress(OSError):
        send()


def _work(words: Sequence[str], streams: Sequence[int]) -> None:
    """Be the child: never returns."""
    code = 1
    try:
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        os.closerange(len(streams), 1 << 20)
        code = _WORK[words[0]](words[1:])
        sys.stdout.flush()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        os.write(2, f'{type(error).__name__}: {error}\n'.encode(errors='replace'))
    finally:
        os._exit(code)
