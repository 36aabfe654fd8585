# SPDX-License-Identifier: Apache-2.0
"""Logs of containers <-> LogConfig of HostConfig, and what ``docker logs --details`` tells of each line.

Source: moby ``daemon/logger/loginfo.go`` and ``loggerutils/log_tag.go``.
"""

import contextlib
import re
import urllib.parse
from collections.abc import Iterator, Mapping

from nova_container import errors
from nova_container.docker.wire import expressions, units
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import spec as specs
from nova_container.engine import state

_TOLD = ('labels', 'labels-regex', 'env', 'env-regex', 'tag')
_WARNED = {'compress': ('true', 'Older files of the log are not compressed'),
           'mode': ('non-blocking', 'The log is written at once, whatever its mode: it is on this disk')}
_TAG_FIELD = re.compile(r'\{\{\s*\.(\w+)\s*\}\}')
_SHORT = 12


def log_body(log: specs.LogLimits) -> Json:
    limits = {'max-size': str(log.file_bytes), 'max-file': str(log.files)}
    return {'Type': log.driver, 'Config': {} if log.driver == 'none' else limits | dict(log.options)}


def log_of(host: Document) -> specs.LogLimits:
    """Logs are always bounded: what is not said is the contract's default.

    :raises Unsupported: another driver than json-file, local and none, or an option that means nothing here.
    """
    log = host.document('LogConfig')
    driver, options = log.text('Type') or 'json-file', log.mapping('Config')
    if driver not in specs.LOG_DRIVERS:
        raise errors.Unsupported(f'{log.path("Type")} {driver[:64]!r} is not supported: use '
                                 f'{", ".join(specs.LOG_DRIVERS)}, and send what they keep on from there')
    for name, value in options.items():
        _check_option(log, driver, name, value)
    default = specs.LogLimits()
    files = options.get('max-file', str(default.files))
    if not (files.isascii() and files.isdigit()):
        raise errors.InvalidSpec(f'{log.path("Config.max-file")} must be a number, not {files[:64]!r}')
    size = options.get('max-size')
    return specs.LogLimits(
        file_bytes=default.file_bytes if size is None
        else units.bytes_of(size, log.path('Config.max-size'), base=1000), files=int(files),
        driver=driver, options={name: value for name, value in options.items() if name in _TOLD})


def known_log_of(host: Document) -> specs.LogLimits:
    """Of a container that another engine has; the default, if its log is of a kind that we have not."""
    with contextlib.suppress(errors.ContainerError):
        return log_of(host)
    return specs.LogLimits()


def warnings_of(host: Document) -> list[str]:
    """What a request asks of logs that comes out otherwise."""
    options = host.document('LogConfig').mapping('Config')
    return [warning for name, (value, warning) in _WARNED.items() if options.get(name) == value]


def _check_option(log: Document, driver: str, name: str, value: str) -> None:
    where = f'{log.path("Config")}.{name[:64]}'
    if driver == 'none' or name not in ('max-size', 'max-file', *_TOLD, *_WARNED, 'max-buffer-size'):
        raise errors.Unsupported(f'{where} is not supported: only max-size, max-file, {", ".join(_TOLD)} are')
    if name.endswith('-regex'):
        expressions.compiled(value, where)
    if name == 'tag' and (unknown := {*_TAG_FIELD.findall(value)} - _tag_fields(_NOBODY).keys()):
        raise errors.Unsupported(f'{where}: {{{{.{min(unknown)}}}}} is not supported')
    if name == 'tag' and '{{' in _TAG_FIELD.sub('', value):
        raise errors.Unsupported(f'{where} {value[:64]!r} may hold fields such as {{{{.Name}}}}, and no functions')


def details(info: state.ContainerInfo) -> str:
    """What stands before each line of a log if details are asked for."""
    found = dict(sorted(_told(info)))
    return ','.join(f'{urllib.parse.quote_plus(name)}={urllib.parse.quote_plus(value)}'
                    for name, value in found.items()) + ' '


def _told(info: state.ContainerInfo) -> Iterator[tuple[str, str]]:
    options = info.spec.log.options
    env = dict(entry.split('=', 1) for entry in info.spec.process.env if '=' in entry)
    for kind, known in (('labels', info.labels), ('env', env)):
        yield from _asked(known, options.get(kind, ''), options.get(f'{kind}-regex', ''))
    if 'tag' in options:
        fields = _tag_fields(info)
        yield 'tag', _TAG_FIELD.sub(lambda found: fields[found[1]], options['tag'])


def _asked(known: Mapping[str, str], names: str, pattern: str) -> Iterator[tuple[str, str]]:
    for name, value in known.items():
        if name in names.split(',') or (pattern and expressions.compiled(pattern, 'regex').search(name)):
            yield name, value


def _tag_fields(info: state.ContainerInfo) -> Mapping[str, str]:
    image = info.image_id.removeprefix('sha256:')
    return {'ID': info.id[:_SHORT], 'FullID': info.id, 'Name': info.name, 'ImageID': image[:_SHORT],
            'ImageFullID': info.image_id, 'ImageName': info.spec.image, 'DaemonName': 'docker'}


_NOBODY = state.ContainerInfo(id='', spec=specs.ContainerSpec(name='', image=''), status=state.Status.CREATED,
                              image_id='')
