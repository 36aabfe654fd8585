# SPDX-License-Identifier: Apache-2.0
"""Builds of the fake: a Dockerfile of plain instructions, one line each, whose steps the fake's programs run."""

import itertools
import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine import validate
from nova_container.engine.fake import faults
from nova_container.engine.fake.copies import FakeCopies
from nova_container.engine.fake.images import new_content
from nova_container.engine.registry import BuildSpec, Progress

_STEP_S = 10.0


class FakeBuilder(FakeCopies):
    """Knows FROM, ARG, ENV, LABEL, WORKDIR, USER, CMD, ENTRYPOINT, COPY and RUN, and one stage. Caches every step."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: dict[tuple[str, str, bytes], str] = {}
        self._builds = itertools.count()

    @faults.verb
    def build(self, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
        validate.check_build(spec)
        try:
            with tarfile.open(fileobj=BytesIO(context.read()), mode='r:*') as archive:
                members = {posixpath.normpath(entry.name): archive.extractfile(entry) for entry in archive}
                found = {name: file.read() for name, file in members.items() if file is not None}
        except (tarfile.TarError, EOFError) as error:
            raise errors.InvalidRequest(f'The context is no tar: {error}') from error
        if spec.dockerfile not in found:
            raise errors.InvalidRequest(f'Cannot locate specified Dockerfile: {spec.dockerfile}')
        return self._build(found[spec.dockerfile].decode(), found, spec)

    def _build(self, text: str, context: Mapping[str, bytes], spec: BuildSpec) -> Iterator[Progress]:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith('#')]
        image, arguments = '', dict[str, str]()
        for number, line in enumerate(lines, 1):
            yield Progress(stream=f'Step {number}/{len(lines)} : {line}\n')
            word, _, rest = line.partition(' ')
            if word.upper() == 'ARG':
                name, _, default = rest.partition('=')
                arguments[name] = spec.arguments.get(name, default)
            elif word.upper() == 'FROM':
                image = self.inspect_image(rest.split()[0]).id
            else:
                image, said = self._step(image, word.upper(), rest, context, arguments, cache=spec.cache)
                yield Progress(stream=said)
        if spec.labels:
            image = self._changed(image, {'Labels': dict(spec.labels)})
        yield Progress(stream=f'Successfully built {image[7:19]}\n', result=image)
        for tag in spec.tags:
            self.tag_image(image, tag)
            yield Progress(stream=f'Successfully tagged {tag}\n')

    def _step(self, image: str, word: str, rest: str, context: Mapping[str, bytes], arguments: Mapping[str, str], *,
              cache: bool) -> tuple[str, str]:
        source = context.get(posixpath.normpath(rest.split()[0]), b'') if word == 'COPY' else b''
        key = (image, f'{word} {rest} {sorted(arguments.items())}', source)
        if cache and self._steps.get(key) in self._images:
            return self._steps[key], ' ---> Using cache\n'
        if word == 'RUN':
            made, said = self._run(image, rest, arguments)
        elif word == 'COPY':
            made, said = self._copied(image, rest, context), ''
        else:
            made, said = self._changed(image, _settings(word, rest, self.inspect_image(image).config)), ''
        self._steps[key] = made
        return made, f'{said} ---> {made[7:19]}\n'

    def _run(self, image: str, command: str, arguments: Mapping[str, str]) -> tuple[str, str]:
        container = self._container(image, command, arguments)
        try:
            self.start(container)
            ended = self.wait(container, timeout_s=_STEP_S)
            said = b''.join(chunk.data for chunk in self.logs(container, specs.LogQuery())).decode()
            if ended is None or ended.code:
                code = ended.code if ended else 137
                raise errors.StepFailed(f"The command '/bin/sh -c {command}' returned a non-zero code: {code}", code)
            return self._committed(container, image, {}), said
        finally:
            self.remove(container, force=True)

    def _copied(self, image: str, rest: str, context: Mapping[str, bytes]) -> str:
        source, target = rest.split()
        name = posixpath.normpath(source)
        if name not in context:
            raise errors.StepFailed(f'COPY failed: file not found in build context: {source}')
        buffer = BytesIO()
        with tarfile.open(fileobj=buffer, mode='w') as archive:
            entry = tarfile.TarInfo(posixpath.basename(target) or posixpath.basename(name))
            entry.size = len(context[name])
            archive.addfile(entry, BytesIO(context[name]))
        buffer.seek(0)
        container = self._container(image, 'true', {})
        try:
            self.copy_in(container, posixpath.dirname(target) or '/', buffer)
            return self._committed(container, image, {})
        finally:
            self.remove(container, force=True)

    def _container(self, image: str, command: str, arguments: Mapping[str, str]) -> str:
        env = tuple(f'{name}={value}' for name, value in arguments.items())
        return self.create(specs.ContainerSpec(
            name=f'build-{next(self._builds)}', image=image,
            process=specs.ProcessSpec(entrypoint=('/bin/sh', '-c'), command=(command,), env=env)))

    def _committed(self, container: str, image: str, config: Mapping[str, Any]) -> str:
        before = {'Cmd': None, 'Entrypoint': None, 'Env': None, **self.inspect_image(image).config}
        return self.commit(container, specs.CommitSpec(config={**before, **config}))

    def _changed(self, image: str, config: Mapping[str, Any]) -> str:
        content = self.find_image(image).content
        return self.keep_image(new_content({**content.document['config'], **config}, content.layers), None)


def _settings(word: str, rest: str, config: Mapping[str, Any]) -> dict[str, Any]:
    match word:
        case 'CMD' | 'ENTRYPOINT':
            return {word.title(): json.loads(rest) if rest.startswith('[') else ['/bin/sh', '-c', rest]}
        case 'WORKDIR' | 'USER':
            return {{'WORKDIR': 'WorkingDir', 'USER': 'User'}[word]: rest}
        case 'ENV':
            return {'Env': [*(config.get('Env') or ()), rest]}
        case 'LABEL':
            name, _, value = rest.partition('=')
            return {'Labels': {**(config.get('Labels') or {}), name: value}}
    raise errors.StepFailed(f'Dockerfile parse error: unknown instruction: {word}')
