# SPDX-License-Identifier: Apache-2.0
"""A build <-> the query of POST /build."""

import json
from collections.abc import Mapping

from nova_container import errors
from nova_container.docker.wire import resources
from nova_container.docker.wire.document import Document
from nova_container.engine import BuildSpec, Credentials

REFUSED = {
    'remote': 'This engine does not fetch a context from elsewhere: send it as the body',
    'outputs': 'outputs is not supported by this engine: images are all it makes',
    'cgroupparent': 'cgroupparent is not supported by this engine',
    'securityopt': 'securityopt is not supported by this engine',
    'squash': 'squash is not supported by this engine',
}
"""Fields that are refused with a sentence unless they hold their default."""

LIMITS = {'memory': 'Memory', 'memswap': 'MemorySwap', 'cpushares': 'CpuShares', 'cpusetcpus': 'CpusetCpus',
          'cpusetmems': 'CpusetMems', 'cpuperiod': 'CpuPeriod', 'cpuquota': 'CpuQuota'}
"""The limits of a build, as HostConfig calls them."""

_EMPTY = ('', '0', 'no', 'false', 'none', '[]', '{}', 'null')


def query_of(spec: BuildSpec) -> dict[str, object]:
    """The query for a build."""
    limits = resources.resources_body(spec.limits)
    query: dict[str, object] = {
        'dockerfile': spec.dockerfile, 't': list(spec.tags), 'target': spec.target, 'nocache': not spec.cache,
        'pull': spec.pull, 'platform': spec.platform, 'networkmode': spec.network, 'squash': spec.squash,
        'buildargs': _object(spec.arguments), 'labels': _object(spec.labels),
        'extrahosts': json.dumps(list(spec.extra_hosts)) if spec.extra_hosts else None,
        'ulimits': json.dumps(resources.ulimits_body(spec.ulimits)) if spec.ulimits else None,
        'shmsize': spec.shm_bytes,
        **{name: limits.get(key) for name, key in LIMITS.items()}, 'rm': True, 'forcerm': True}
    return {name: value for name, value in query.items() if value not in (None, '', [], False)}


def _object(pairs: Mapping[str, str]) -> str | None:
    return json.dumps(dict(pairs)) if pairs else None


def check(values: Mapping[str, str]) -> None:
    """:raises Unsupported: a field asks for something this engine does not do."""
    for name, sentence in REFUSED.items():
        if _is_set(values, name):
            raise errors.Unsupported(sentence)


def spec_of(values: Mapping[str, str], tags: tuple[str, ...], credentials: tuple[Credentials, ...]) -> BuildSpec:
    """The build that a query asks for. :raises InvalidRequest: a field of it is malformed."""
    body = Document({'buildargs': _json(values, 'buildargs', {}), 'labels': _json(values, 'labels', {})})
    hosts = _hosts(values.get('extrahosts', ''))
    arguments = {name: value for name, value in body.document('buildargs').fields.items() if value is not None}
    return BuildSpec(
        dockerfile=values.get('dockerfile') or 'Dockerfile', tags=tags,
        arguments=Document({'buildargs': arguments}).mapping('buildargs'), labels=body.mapping('labels'),
        target=values.get('target', ''), cache=not _is_set(values, 'nocache'),
        pull=_is_set(values, 'pull'), platform=values.get('platform', ''),
        network=values.get('networkmode', ''), extra_hosts=hosts, credentials=credentials,
        limits=resources.resources_of(Document({key: _limit(values, name) for name, key in LIMITS.items()})),
        ulimits=resources.ulimits_of(Document({'Ulimits': _json(values, 'ulimits', [])})),
        shm_bytes=_number(values, 'shmsize'))


def _limit(values: Mapping[str, str], name: str) -> str | int | None:
    return values.get(name) if name in ('cpusetcpus', 'cpusetmems') else _number(values, name)


def _is_set(values: Mapping[str, str], name: str) -> bool:
    """Whether a field holds something that Docker does not read as nothing."""
    return values.get(name, '').strip().lower() not in _EMPTY


def _hosts(text: str) -> tuple[str, ...]:
    """A JSON list, or a list with commas."""
    if not text.startswith(('[', '{')):
        return tuple(part for part in text.split(',') if part)
    found = _json({'extrahosts': text}, 'extrahosts', [])
    if isinstance(found, dict):
        return tuple(f'{name}:{address}' for name, address in found.items())
    return Document({'extrahosts': found}).texts('extrahosts')


def _json(values: Mapping[str, str], name: str, default: object) -> object:
    try:
        return json.loads(values[name]) if values.get(name) else default
    except (ValueError, RecursionError):
        raise errors.InvalidRequest(f'{name} must be JSON') from None


def _number(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name, '')
    if text in ('', '0'):
        return None
    if not text.isascii() or not text.removeprefix('-').isdigit():
        raise errors.InvalidRequest(f'{name} must be a whole number, not {text[:64]!r}')
    return int(text)


def changes_of(config: Mapping[str, object]) -> list[str]:
    """The lines of a Dockerfile that set these keys of an image's configuration."""
    lines: list[str] = []
    for name, value in config.items():
        lines += _change(name, value)
    return lines


def _change(name: str, value: object) -> list[str]:
    if name in ('Cmd', 'Entrypoint'):
        return [f'{name.upper()} {json.dumps(value)}']
    if name == 'Env' and isinstance(value, list | tuple):
        return [f'ENV {_quoted(str(pair))}' for pair in value]
    if name == 'Labels' and isinstance(value, Mapping):
        return [f'LABEL {_quoted(f"{key}={text}")}' for key, text in value.items()]
    if name in ('Volumes', 'ExposedPorts') and isinstance(value, Mapping):
        word = 'VOLUME' if name == 'Volumes' else 'EXPOSE'
        return [f'{word} {key}' for key in value]
    words = {'User': 'USER', 'WorkingDir': 'WORKDIR', 'StopSignal': 'STOPSIGNAL'}
    if name not in words:
        raise errors.Unsupported(f'{name} of an imported image cannot be set through this API')
    return [f'{words[name]} {value}']


def _quoted(pair: str) -> str:
    name, _, value = pair.partition('=')
    escaped = value.replace('\\', '\\\\').replace('"', '\\"')
    return f'{name}="{escaped}"'
