# SPDX-License-Identifier: Apache-2.0
"""Long work as lines of JSON, while there is somebody who reads them."""

from collections.abc import Callable, Iterator

from nova_container import errors
from nova_container.docker.server.message import Call, line
from nova_container.docker.wire import registry as wire
from nova_container.engine import Progress

_NOTHING = Progress()


def lines(call: Call, progress: Iterator[Progress], extra: Callable[[Progress], object] | None = None) \
        -> Iterator[bytes]:
    """What is told, as Docker writes it. A failure before the first line is an error, one after it a line.

    :param extra: makes the ``aux`` of the line after one with a result.
    """
    begun = False
    try:
        for one in progress:
            if one == _NOTHING:
                if call.client.is_gone():
                    return
                continue
            begun = True
            yield line(wire.line_of(one))
            if extra is not None and one.result:
                yield line({'aux': extra(one)})
    except errors.ContainerError as error:
        if not (begun or isinstance(error, errors.StepFailed)):  # of which only a line can tell the exit code
            raise
        yield line(wire.error_line(error))
    finally:
        close = getattr(progress, 'close', None)
        if close is not None:
            close()
