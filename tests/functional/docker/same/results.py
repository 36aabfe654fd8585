# SPDX-License-Identifier: Apache-2.0
"""A place with an engine, the script taken through it, and what it said in words that both engines could say."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import time
from collections.abc import Sequence

from tests.functional.docker.same.steps import STEPS, Step

_STEP_S = 60.0
_UNTIL_S = 20.0
_REFUSALS = re.compile(
    r'^(docker: )?(Error response from daemon|Error|error|unable to .*?|failed to .*?|An image does not exist|'
    r'Error processing tar file)\b.*$', re.MULTILINE | re.DOTALL)
_SAME: Sequence[tuple[str, str]] = (
    (r'\b[0-9a-f]{64}\b', '<id>'), (r'\b[0-9a-f]{12}\b', '<id>'),
    (r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)', '<time>'),
    (r'(Less than a second|About a minute|\d+ seconds?|\d+ minutes?|\d+ milliseconds?)( ago)?', '<span>'),
    (r'time="<time>" level=error msg="error waiting for container: context canceled"\n', ''),  # of the command 20.10
    (r'time="<time>" level=error msg="Can\'t (add file|close tar writer)[^\n]*\n', ''),  # of a client that is refused
    (r'\b172\.\d+\.\d+\.\d+', '<address>'), (r'\b192\.168\.\d+\.\d+', '<address>'),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """``prefix`` runs a program in the network where the engine is; ``folder`` is the script's own."""

    url: str
    folder: pathlib.Path
    registry: str
    prefix: tuple[str, ...] = ()
    api_version: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """Exit code, and what was said on either stream."""

    code: int
    out: str = ''
    err: str = ''


def run(place: Place) -> dict[str, Result]:
    """The whole script; results by line. A line that is there twice has ``#2`` behind it."""
    _lay_out(place.folder)
    found: dict[str, Result] = {}
    for step in STEPS:
        key, number = step.line, 1
        while key in found:
            number += 1
            key = f'{step.line} #{number}'
        found[key] = _normal(step, _until(place, step), place)
    return found


def _lay_out(folder: pathlib.Path) -> None:
    """The files that the script names."""
    for path, text in {
            'shared/file': 'shared\n', 'env': 'C=3\n', 'copied/none': '',
            'context/Dockerfile': 'FROM box:1 AS first\nRUN echo one > /first\nFROM box:1\nARG WHO\nENV MADE=by\n'
                                  'COPY --from=first /first /second\nCOPY file /dir/\nWORKDIR /dir\n'
                                  'RUN echo $MADE $WHO > made\nUSER 1000\nLABEL a=b\nCMD ["cat", "made", "file"]\n',
            'context/file': 'copied\n', 'context/Broken': 'NOSUCH box:1\n',
            'context/Failing': 'FROM box:1\nRUN exit 3\n'}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / 'copied/none').unlink()


def _until(place: Place, step: Step) -> Result:
    deadline = time.monotonic() + _UNTIL_S
    while True:
        result = _once(place, step)
        if not step.until or step.until in result.out or time.monotonic() > deadline:
            return result
        time.sleep(0.1)


def client() -> str:
    """The docker command: that of ``NOVA_CONTAINER_DOCKER``, such as Debian's /usr/bin/docker, or the first in PATH."""
    program = shutil.which(os.environ.get('NOVA_CONTAINER_DOCKER', 'docker'))
    assert program is not None
    return program


def _once(place: Place, step: Step) -> Result:
    words = [word.replace('{dir}', str(place.folder)).replace('{registry}', place.registry) for word in step.words]
    argv = [*place.prefix, *words] if step.on_host else [client(), *words]
    environment = {'PATH': f'{os.environ["PATH"]}:/usr/sbin:/sbin', 'DOCKER_HOST': place.url, 'HOME': str(place.folder),
                   'DOCKER_CONFIG': str(place.folder / 'config'), 'DOCKER_BUILDKIT': '0', 'DOCKER_CLI_HINTS': 'false'}
    if place.api_version:
        environment['DOCKER_API_VERSION'] = place.api_version
    try:
        done = subprocess.run(argv, input=step.stdin, capture_output=True, env=environment, timeout=_STEP_S,
                              check=False, encoding='utf-8', errors='replace')
    except subprocess.TimeoutExpired:
        return Result(-1, f'it took more than {_STEP_S} s')
    return Result(done.returncode, done.stdout, done.stderr)


def _normal(step: Step, result: Result, place: Place) -> Result:
    if step.code_only:
        return Result(result.code)
    out, err = (_same(_placeless(text, place), step) for text in (result.out, result.err))
    return Result(result.code, out, _REFUSALS.sub('<refusal>', err).strip() if result.code else err)


def _placeless(text: str, place: Place) -> str:
    return text.replace(str(place.folder), '<folder>').replace(place.registry, '<registry>')


def _same(text: str, step: Step) -> str:
    text = text.replace('\r\n', '\n')
    for pattern, word in _SAME:
        text = re.sub(pattern, word, text)
    return text if step.ordered else '\n'.join(sorted(text.split('\n')))
