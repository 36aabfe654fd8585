# SPDX-License-Identifier: Apache-2.0
"""Actions in steps: each is done at once, until one waits; Heat asks to go on."""

import threading
from collections.abc import Callable, Generator
from typing import Any, Protocol

from heat.common import exception

from nova_container import errors

Waits = Generator[None, None, Any]


class Background(Protocol):
    """The part of ``DockerResource`` that works beside."""

    def background(self, work: Callable[[threading.Event], Any]) -> str: ...

    def outcome(self, token: str) -> Any: ...

    def cancel(self, token: object) -> None: ...


class Steps:
    """An action under way. Closing it calls off what it waits for."""

    def __init__(self, steps: Waits) -> None:
        self._steps, self._done = steps, False

    def done(self) -> bool:
        """Go on, and tell whether nothing is left.

        :raises Error: a step failed in a way that doing it again does not mend: Heat would do so up to five times.
        """
        if not self._done:
            try:
                next(self._steps)
            except StopIteration:
                self._done = True
            except (errors.AlreadyExists, errors.WrongState) as error:
                raise exception.Error(str(error)) from error
        return self._done

    def close(self) -> None:
        self._steps.close()


def begun(steps: Waits) -> Steps:
    """Done as far as it goes at once."""
    found = Steps(steps)
    found.done()
    return found


def beside(resource: Background, work: Callable[[threading.Event], Any]) -> Waits:
    """A step that runs beside Heat's threads; its result."""
    token = resource.background(work)
    try:
        while (found := resource.outcome(token)) is None:
            yield
        return found
    except GeneratorExit:
        resource.cancel(token)
        raise
