# SPDX-License-Identifier: Apache-2.0
"""What buildah writes, in Docker's words."""

import collections
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from nova_container import errors
from nova_container.host import process
from nova_container.runtime.telling import Board

_LINE_BYTES = 64 * 1024
_KEPT_LINES = 40
_STEP = re.compile(r'(?:\[(\d+/\d+)\] )?STEP (\d+)/(\d+): (.*)', re.DOTALL)
_BEGINS = re.compile(r'(?<!^)(?<!\] )(?=(?:\[\d+/\d+\] )?STEP \d+/\d+: )')
"""Where a step begins in the midst of a line, as the output of the one before did not end its last."""
_CACHED = re.compile(r'--> Using cache [0-9a-f]{64}')
_MADE = re.compile(r'--> ([0-9a-f]{6,64})')
_ID = re.compile(r'[0-9a-f]{64}')
_NOISE = re.compile(r'(?:\[\d+/\d+\] )?(?:COMMIT\b.*|--> |)|[0-9a-f]{64}|(?:Successfully tagged|Getting image|Copying '
                    r'(?:blob|config)|Writing manifest|Storing signatures|time="[^"]*" level=).*')
_SHOWN_STEP = re.compile(r'(?:\[\d+/\d+\] )?Step \d+/\d+ : (\w+)')
_FAILED = re.compile(r'(?:Error|error building at STEP)?.*building at STEP "(RUN.*)": while running runtime: '
                     r'exit status (\d+)', re.DOTALL)
_MISSING = re.compile(r'building at STEP "(COPY|ADD)\b.*": checking on sources under .*'
                      r'copier: stat: "/?(.*?)": no such file or directory', re.DOTALL)
_UNKNOWN = re.compile(r'Unknown instruction: "(\w+)"')
_ERROR = re.compile(r'[Ee]rror:? (.*)', re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """The last lines of a build as buildah wrote them, and those that tell of its steps in Docker's words."""

    last: list[str]
    steps: tuple[str, ...]


def relay(child: process.Child, board: Board, names: Mapping[str, str], made: Callable[[str], None]) -> Said:
    """Tell of a build's lines until it ends.

    :param names: what to show for image ids.
    :param made: hears the beginning of the id of each image that is made by a step of the last stage.
    """
    is_last = True
    kept: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
    steps: list[str] = []
    assert child.stdout is not None
    with child.stdout:
        while line := child.stdout.readline(_LINE_BYTES):
            for text in _BEGINS.split(line.decode('utf-8', 'replace').rstrip('\n'), maxsplit=1):
                kept.append(text)
                if step := _STEP.fullmatch(text):
                    stage, _, stages = (step[1] or '').partition('/')
                    is_last = stage == stages
                elif is_last and (found := _MADE.fullmatch(text)):
                    made(found[1])
                shown = _shown(text, names)
                if shown is not None:
                    board.print(f'{shown}\n')
                    if _STEP.fullmatch(text) or _MADE.fullmatch(text):
                        steps.append(shown)
    child.wait()
    return Said(list(kept), tuple(steps))


def made_last(said: Said) -> str:
    """The id of the image that a build made, in hexadecimal: what it says when all steps have ended.

    :raises HostFailure: it did not say any.
    """
    for line in reversed(said.last):
        if _ID.fullmatch(line):
            return line
    raise errors.HostFailure('buildah did not say what it built')


def again(steps: Iterable[str]) -> Iterator[str]:
    """What a build says whose steps are all done already."""
    for line in steps:
        yield f'{line}\n'
        if (step := _SHOWN_STEP.match(line)) and step[1].upper() != 'FROM':
            yield ' ---> Using cache\n'


def _shown(text: str, names: Mapping[str, str]) -> str | None:
    """One line in Docker's words; None if it is left out."""
    if step := _STEP.fullmatch(text):
        stage = f'[{step[1]}] ' if step[1] else ''
        what = step[4]
        for image_id, name in names.items():
            what = what.replace(image_id.removeprefix('sha256:'), name)
        return f'{stage}Step {step[2]}/{step[3]} : {what}'
    if _CACHED.fullmatch(text):
        return ' ---> Using cache'
    if made := _MADE.fullmatch(text):
        return f' ---> {made[1][:12]}'
    return None if _NOISE.fullmatch(text) or _FAILED.search(text) or _ERROR.match(text) else text


def failure(said: list[str], code: int) -> errors.ContainerError:
    """What a build that failed said last, as an error."""
    last = next((line for line in reversed(said) if _ERROR.match(line)), said[-1] if said else '')
    if step := _FAILED.search('\n'.join(said[-3:])):
        command = step[1].removeprefix('RUN').strip()
        return errors.StepFailed(f"The command '/bin/sh -c {command}' returned a non-zero code: {step[2]}",
                                 int(step[2]))
    if missing := _MISSING.search(last):
        return errors.StepFailed(f'{missing[1]} failed: file not found in build context or excluded by .dockerignore: '
                                 f'stat {missing[2]}: file does not exist', 1)
    if unknown := _UNKNOWN.search(last):
        return errors.StepFailed(f'Dockerfile parse error: unknown instruction: {unknown[1]}')
    found = _ERROR.match(last)
    return errors.StepFailed((found[1] if found else last) or f'buildah ended with {code}', 1)
