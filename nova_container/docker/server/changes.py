# SPDX-License-Identifier: Apache-2.0
"""The configuration of an image that a commit makes: lines of a Dockerfile, and what the container has."""

import json
import shlex
from collections.abc import Callable, Iterable

from nova_container import errors
from nova_container.docker.wire import units
from nova_container.engine import ContainerSpec

Config = dict[str, object]
_HEALTH_TIMES = {'interval': 'Interval', 'timeout': 'Timeout', 'start-period': 'StartPeriod',
                 'start-interval': 'StartInterval'}


def apply(lines: Iterable[str], base: Callable[[], Config]) -> Config:
    """The keys that the lines change, over the configuration ``base``.

    :raises Unsupported: another instruction.
    """
    changed: Config = {}
    before: Config | None = None
    for line in '\n'.join(lines).splitlines():
        if not line.strip():
            continue
        before = before if before is not None else base()
        instruction, _, rest = line.strip().partition(' ')
        changed |= _change(instruction.upper(), rest.strip(), {**before, **changed})
    return changed


def joined(config: Config, container: ContainerSpec, image: Config) -> Config:
    """A configuration for the image of a container, with what it does not say itself: the container's and its image's.

    Docker's ``merge`` of runconfig: variables, labels, ports and volumes are added one by one.
    """
    names = {name for name, _, _ in (entry.partition('=') for entry in _list(config.get('Env')))}
    own: dict[str, Config] = {'Labels': dict(container.labels), 'Volumes': dict.fromkeys(container.volumes, {}),
                              'ExposedPorts': dict.fromkeys(container.exposed_ports, {})}
    found: Config = {key: _mapping(image.get(key)) | value | _mapping(config.get(key)) for key, value in own.items()}
    found['Env'] = _list(config.get('Env')) + [
        entry for entry in container.process.env if entry.partition('=')[0] not in names]
    if config.get('Entrypoint') and 'Cmd' not in config:
        found['Cmd'] = None
    return config | {key: value for key, value in found.items() if value or key == 'Cmd'}


def _list(value: object) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else []


def _change(instruction: str, rest: str, config: Config) -> Config:
    match instruction:
        case 'CMD' | 'ENTRYPOINT':
            return {{'CMD': 'Cmd', 'ENTRYPOINT': 'Entrypoint'}[instruction]: _command(rest)}
        case 'USER' | 'WORKDIR' | 'STOPSIGNAL':
            return {{'USER': 'User', 'WORKDIR': 'WorkingDir', 'STOPSIGNAL': 'StopSignal'}[instruction]: rest}
        case 'ENV':
            return {'Env': _env(config.get('Env'), _pairs(rest))}
        case 'LABEL':
            return {'Labels': _mapping(config.get('Labels')) | _pairs(rest)}
        case 'EXPOSE':
            ports: Config = {port if '/' in port else f'{port}/tcp': {} for port in rest.split()}
            return {'ExposedPorts': _mapping(config.get('ExposedPorts')) | ports}
        case 'VOLUME':
            return {'Volumes': _mapping(config.get('Volumes')) | {path: {} for path in _words(rest)}}
        case 'SHELL':
            return {'Shell': _words(rest)}
        case 'ONBUILD':
            before = config.get('OnBuild')
            return {'OnBuild': [*(before if isinstance(before, list) else []), rest]}
        case 'HEALTHCHECK':
            return {'Healthcheck': _health(rest)}
    raise errors.Unsupported(f'The change {instruction[:32]!r} is not supported by this engine')


def _health(rest: str) -> Config:
    """``[--interval=30s ...] CMD command``, or NONE."""
    found: Config = {}
    while rest.startswith('--'):
        option, _, rest = rest.partition(' ')
        name, _, value = option[2:].partition('=')
        if name == 'retries' and value.isdigit():
            found['Retries'] = int(value)
        elif name in _HEALTH_TIMES:
            found[_HEALTH_TIMES[name]] = round(units.duration_of(value, f'HEALTHCHECK --{name}') * 1e9)
        else:
            raise errors.InvalidRequest(f'HEALTHCHECK has no option {option[:64]!r}')
        rest = rest.strip()
    kind, _, command = rest.partition(' ')
    if kind.upper() == 'NONE':
        return {'Test': ['NONE']}
    if kind.upper() != 'CMD' or not command.strip():
        raise errors.InvalidRequest('HEALTHCHECK must be NONE, or CMD and a command')
    words = _words(command.strip()) if command.strip().startswith('[') else None
    return found | {'Test': ['CMD-SHELL', command.strip()] if words is None else ['CMD', *words]}


def _command(rest: str) -> list[str]:
    """The exec form, or a line for the shell."""
    return _words(rest) if rest.startswith('[') else ['/bin/sh', '-c', rest]


def _words(rest: str) -> list[str]:
    if not rest.startswith('['):
        return rest.split()
    try:
        words = json.loads(rest)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise errors.InvalidRequest(f'{rest[:64]!r} is not a JSON list of strings')
    return words


def _pairs(rest: str) -> dict[str, str]:
    """``A=1 B="two words"``, or of old ``A one value``."""
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise errors.InvalidRequest(f'{rest[:64]!r}: {error}') from None
    if words and '=' not in words[0]:
        name, _, value = rest.partition(' ')
        return {name: value.strip()}
    return dict((name, value) for name, _, value in (word.partition('=') for word in words))


def _env(before: object, pairs: dict[str, str]) -> list[str]:
    """Those before, each with its new value where it has one, then the new ones."""
    known = {entry.partition('=')[0]: entry for entry in _list(before)}
    return list((known | {name: f'{name}={value}' for name, value in pairs.items()}).values())


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
