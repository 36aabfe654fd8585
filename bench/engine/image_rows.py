# SPDX-License-Identifier: Apache-2.0
"""Rows about images: pull, load, save, commit, build."""

import io
import time
from pathlib import Path

from bench.contender import IMAGE, BenchFailed
from bench.engine import payload
from bench.engine.row import Player, Row, Workshop

_SIX = (30, 25, 20, 15, 8, 2)
_GIB = (256, 256, 256, 256)
_NAME = 'localhost/payload:1'
_CHANGED_MIB = 20
_RECIPE = f'''FROM {IMAGE}
ARG WHO=nobody
ENV GREETING=hello
LABEL purpose=bench
WORKDIR /work
COPY files /work/files
RUN echo $GREETING $WHO > greeting
RUN cat greeting files/a > both
USER nobody
CMD ["cat", "/work/both"]
'''


def _milliseconds_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _image(shop: Workshop, name: str, layer_mib: tuple[int, ...]) -> payload.Payload:
    if name not in shop.payloads:
        shop.payloads[name] = payload.make(shop.folder, name, layer_mib)
    return shop.payloads[name]


class Pull(Row):
    """An image from a registry on loopback, then away with it."""

    def __init__(self, name: str, layer_mib: tuple[int, ...], most_rounds: int) -> None:
        self.name, self.most_rounds = name, most_rounds
        self.what = f'pull of {sum(layer_mib)} MiB in {len(layer_mib)} layers'
        self._layer_mib = layer_mib
        self._reference = ''

    def prepare(self, shop: Workshop, player: Player) -> None:
        if not self._reference:
            self._reference = shop.registry.put(self.name, _image(shop, self.name, self._layer_mib))

    def measure(self, player: Player) -> float:
        client = player.api.client
        began = time.perf_counter()
        for line in client.pull(self._reference, stream=True, decode=True):
            if 'error' in line:
                raise BenchFailed(f'{player.name} did not pull: {line["error"]}')
        taken = _milliseconds_since(began)
        client.remove_image(self._reference)
        return taken


class Load(Row):
    """What ``docker save`` wrote, loaded, then away with it."""

    name, what, most_rounds = 'load', f'load of {sum(_SIX)} MiB in {len(_SIX)} layers', 10
    _archive: Path

    def prepare(self, shop: Workshop, player: Player) -> None:
        self._archive = shop.folder / 'payload.tar'
        if not self._archive.exists():
            payload.archive(_image(shop, 'pull', _SIX), self._archive, _NAME)

    def measure(self, player: Player) -> float:
        client = player.api.client
        with self._archive.open('rb') as file:
            began = time.perf_counter()
            list(client.load_image(file))
            taken = _milliseconds_since(began)
        client.remove_image(_NAME)
        return taken


class Save(Load):
    """That image saved, and read to the end."""

    name, what = 'save', f'save of {sum(_SIX)} MiB in {len(_SIX)} layers'

    def prepare(self, shop: Workshop, player: Player) -> None:
        super().prepare(shop, player)
        with self._archive.open('rb') as file:
            list(player.api.client.load_image(file))

    def measure(self, player: Player) -> float:
        began = time.perf_counter()
        size = sum(len(chunk) for chunk in player.api.client.get_image(_NAME))
        if size < sum(_SIX) * payload.MIB // 4:
            raise BenchFailed(f'{player.name} saved {size} bytes only')
        return _milliseconds_since(began)

    def finish(self, player: Player) -> None:
        player.api.client.remove_image(_NAME)


class Commit(Row):
    """A container that changed some MiB, as an image."""

    name, what, most_rounds = 'commit', f'commit of {_CHANGED_MIB} MiB of changes', 10

    def prepare(self, shop: Workshop, player: Player) -> None:
        files = _image(shop, 'commit', (_CHANGED_MIB,)).plain[0].read_bytes()
        client = player.api.client
        client.put_archive(player.api.create('changed'), '/', io.BytesIO(files).getvalue())

    def measure(self, player: Player) -> float:
        client = player.api.client
        began = time.perf_counter()
        made = client.commit('changed')['Id']
        taken = _milliseconds_since(began)
        client.remove_image(made)
        return taken


class Build(Row):
    """A Dockerfile of ten steps, by the classic builder, without a network; cold without its cache."""

    def __init__(self, name: str, *, cached: bool, most_rounds: int) -> None:
        self.name, self.most_rounds, self._cached = name, most_rounds, cached
        self.what = f'build of ten steps, {"all from the cache" if cached else "cold"}'
        self._context = payload.context({'Dockerfile': _RECIPE.encode(), 'files/a': b'a\n' * 50_000,
                                         'files/b': b'b\n' * 50_000})

    def prepare(self, shop: Workshop, player: Player) -> None:
        """The first round, which is not counted, fills the cache."""

    def measure(self, player: Player) -> float:
        began, said = time.perf_counter(), ''
        for line in player.api.client.build(
                fileobj=io.BytesIO(self._context), custom_context=True, encoding='gzip', tag='localhost/built:1',
                nocache=not self._cached, network_mode='none', decode=True, rm=True):
            if 'error' in line:
                raise BenchFailed(f'{player.name} did not build: {line["error"]}')
            said += line.get('stream', '')
        taken = _milliseconds_since(began)
        if 'Successfully built' not in said:
            raise BenchFailed(f'{player.name} did not say that it built: {said[-300:]}')
        return taken

    def finish(self, player: Player) -> None:
        player.api.client.remove_image('localhost/built:1', force=True)


def rows() -> tuple[Row, ...]:
    """All of this file, in the order of the table."""
    return (Pull('pull', _SIX, 10), Pull('pull-1g', _GIB, 3), Load(), Save(), Commit(),
            Build('build', cached=False, most_rounds=5), Build('build-cached', cached=True, most_rounds=20))
