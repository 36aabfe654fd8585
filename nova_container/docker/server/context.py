# SPDX-License-Identifier: Apache-2.0
"""What all requests of one server share."""

import functools

from nova_container import errors
from nova_container.docker.server.feed import Feed
from nova_container.docker.server.limits import Limits
from nova_container.docker.server.watch import Watch
from nova_container.engine import ContainerInfo, Engine


class Context:
    """The engine that is served, and what was learnt of it."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self.engine = engine
        self.limits = limits
        self.feed = Feed(engine)
        self.watch = Watch()

    @functools.cached_property
    def memory_bytes(self) -> int:
        """The memory of the host, which does not change."""
        return self.engine.info().memory_bytes

    @functools.cached_property
    def cpus(self) -> int:
        return self.engine.info().cpus

    @functools.cached_property
    def storage_driver(self) -> str:
        return self.engine.info().storage_driver

    def argv(self, info: ContainerInfo) -> tuple[str, ...]:
        """The first process's command line, taken from the image where the spec leaves it to it."""
        process = info.spec.process
        if process.entrypoint is not None or process.command is not None:
            return (*(process.entrypoint or ()), *(process.command or ()))
        return self._image_argv(info.image_id)

    def _image_argv(self, image_id: str) -> tuple[str, ...]:
        try:
            config = self.engine.inspect_image(image_id).config
        except errors.NotFound:
            return ()
        words: list[str] = []
        for name in ('Entrypoint', 'Cmd'):
            part = config.get(name)
            words += [str(word) for word in part] if isinstance(part, list) else []
        return tuple(words)

    def close(self) -> None:
        self.watch.close()
