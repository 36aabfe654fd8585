# SPDX-License-Identifier: Apache-2.0
"""What a Dockerfile builds on, read without building it (moby, Dockerfile reference).

Only FROM, the ARGs before the first of them, and ``--from=`` and ``from=`` are understood: enough to have every image
at hand before a builder starts, which then needs no registry. And SHELL, which buildah forgets for CMD and ENTRYPOINT.
"""

import dataclasses
import json
import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from nova_container.errors import InvalidRequest

MAX_BYTES = 1 << 20
_DIRECTIVE = re.compile(r'#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*$')
_VARIABLE = re.compile(r'\\(.)|\$(?:\{(\w+)(?::([-+])([^}]*))?\}|(\w+))')
_FROM = re.compile(r'(?P<flags>(?:--\S+\s+)*)(?P<image>\S+)(?:\s+as\s+(?P<name>\S+))?\s*', re.IGNORECASE)
_COPIED = re.compile(r'--from=(\S+)')
_MOUNTED = re.compile(r'--mount=(\S+)')
_FETCHED = re.compile(r'://|\$|git@|github\.com')


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """``text`` is the Dockerfile with the variables of FROM filled in; ``bases`` the images it takes from outside.

    A CMD or ENTRYPOINT for the shell is one of words in it, if the stage or the one it is made of has another SHELL.

    ``is_repeatable`` says that it takes nothing else from outside: no ``ADD`` of a URL, nor of what may be one.
    """

    text: str
    bases: tuple[str, ...]
    is_repeatable: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class _Instruction:
    word: str
    rest: str
    first: int
    last: int


def read(content: bytes, arguments: Mapping[str, str], ids: Mapping[str, str] = MappingProxyType({})) -> Recipe:
    """Read a Dockerfile.

    :param arguments: build arguments, which go before the defaults of ARG.
    :param ids: what ``text`` has in FROM instead of names of images.
    :raises InvalidRequest: it is too large, or a FROM in it cannot be understood.
    """
    if len(content) > MAX_BYTES:
        raise InvalidRequest(f'The Dockerfile is {len(content)} bytes long, more than {MAX_BYTES}')
    lines = content.decode('utf-8', 'replace').replace('\r\n', '\n').split('\n')
    current = set[str]()
    known, stages, bases = dict(_predefined(arguments)), set[str](), dict[str, None]()
    is_begun, is_repeatable = False, True
    shell: tuple[str, ...] = ()
    shells: dict[str, tuple[str, ...]] = {}
    for instruction in _instructions(lines):
        is_repeatable = is_repeatable and not _fetches(f'{instruction.word} {instruction.rest}')
        if instruction.word == 'ARG' and not is_begun:
            known |= _declared(instruction.rest, arguments, known)
        elif instruction.word == 'FROM':
            is_begun = True
            image, name = _from(instruction, lines, known, ids, stages)
            if image.lower() not in stages and image != 'scratch':
                bases[image] = None
            shell = shells.get(image.lower(), ())
            current = {str(sum(1 for stage in stages if stage.isdigit())), (name or '').lower()} - {''}
            stages |= current
            shells |= dict.fromkeys(current, shell)
        elif instruction.word == 'SHELL':
            shell = _words(instruction.rest) or ()
            shells |= dict.fromkeys(current, shell)
        elif instruction.word in ('CMD', 'ENTRYPOINT') and shell and _words(instruction.rest) is None:
            _replace(lines, instruction, f'{instruction.word} {json.dumps([*shell, instruction.rest])}')
        elif instruction.word in ('COPY', 'ADD', 'RUN'):
            bases |= dict.fromkeys(image for image in _taken(instruction) if image.lower() not in stages)
    if not is_begun:
        raise InvalidRequest('The Dockerfile has no FROM: no build stage in the current context')
    return Recipe('\n'.join(lines), tuple(bases), is_repeatable)


def _fetches(instruction: str) -> bool:
    word, *others = instruction.split(maxsplit=1)
    rest = others[0] if others else ''
    if word.upper() == 'ONBUILD':
        return bool(rest) and _fetches(rest)
    return word.upper() == 'ADD' and _FETCHED.search(rest) is not None


def _predefined(arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in ('TARGETPLATFORM', 'TARGETOS', 'TARGETARCH', 'TARGETVARIANT', 'BUILDPLATFORM', 'BUILDOS', 'BUILDARCH'):
        if name in arguments:
            yield name, arguments[name]


def _instructions(lines: list[str]) -> Iterator[_Instruction]:
    escape, index, may_direct = '\\', 0, True
    while index < len(lines):
        first, text = index, ''
        while index < len(lines):
            line = lines[index]
            index += 1
            directive = _DIRECTIVE.match(line) if may_direct else None
            if directive and directive[1].lower() == 'escape':
                escape = directive[2]
            if line.lstrip().startswith('#') or (text and not line.strip()):
                may_direct = may_direct and directive is not None
                if not text:
                    break
                continue
            may_direct = False
            if line.rstrip().endswith(escape):
                text += line.rstrip()[:-1]
                continue
            text += line
            break
        words = text.split(maxsplit=1)  # at any white space, as builders do
        if words:
            yield _Instruction(words[0].upper(), words[1].strip() if len(words) > 1 else '', first, index)


def _declared(rest: str, arguments: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The variables that an ARG makes known."""
    found = {}
    for part in rest.split():
        name, is_set, default = part.partition('=')
        if name in arguments:
            found[name] = arguments[name]
        elif is_set:
            found[name] = _expanded(default.strip('"\''), known)
    return found


def _from(instruction: _Instruction, lines: list[str], known: Mapping[str, str], ids: Mapping[str, str],
          stages: Collection[str]) -> tuple[str, str | None]:
    """Image and name of a stage; the line is rewritten in place, as the builder does not fill in all it should."""
    match = _FROM.fullmatch(instruction.rest)
    if match is None:
        raise InvalidRequest(f'FROM requires either one or three arguments: {instruction.rest[:200]!r}')
    image = _expanded(match['image'].strip('"\''), known)
    if not image:
        raise InvalidRequest(f'base name ({match["image"][:200]}) should not be blank')
    named = f' AS {match["name"]}' if match['name'] else ''
    told = image if image.lower() in stages else ids.get(image, image)
    _replace(lines, instruction, f'FROM {_expanded(match["flags"], known)}{told}{named}')
    return image, match['name']


def _replace(lines: list[str], instruction: _Instruction, text: str) -> None:
    """Write an instruction anew, on as many lines."""
    lines[instruction.first:instruction.last] = [text] + [''] * (instruction.last - instruction.first - 1)


def _words(rest: str) -> tuple[str, ...] | None:
    """The words of an instruction in its form for no shell, a JSON list of strings; None if it is in another form."""
    try:
        words = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Variables by the rules of Docker's environment replacement."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        found = known.get(match[2] or match[5], '')
        if match[3] == '-':
            return found or match[4]
        if match[3] == '+':
            return match[4] if found else ''
        return found

    return _VARIABLE.sub(value, text)


def _taken(instruction: _Instruction) -> Iterator[str]:
    if instruction.word != 'RUN':
        flags = instruction.rest[:len(instruction.rest) - len(re.sub(r'^(?:--\S+\s+)*', '', instruction.rest))]
        yield from _COPIED.findall(flags)
        return
    for mount in _MOUNTED.findall(instruction.rest):
        yield from (part.partition('=')[2] for part in mount.split(',') if part.startswith('from='))
