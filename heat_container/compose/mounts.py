# SPDX-License-Identifier: Apache-2.0
"""``volumes`` and ``tmpfs`` of a service -> the properties ``mounts`` and ``anonymous_volumes``. Pure."""

from collections.abc import Callable
from typing import Any

from heat_container.compose.values import flag, known, listed, size, text, texts, wrong

_LONG = ('type', 'source', 'target', 'read_only', 'bind', 'volume', 'tmpfs', 'consistency')
_IGNORED = frozenset(('consistent', 'cached', 'delegated'))
"""What only matters on a desktop (compose-spec, 05-services.md)."""
VolumeRef = Callable[[str], Any]
"""What the property ``volume`` is for a volume of the file. Raises InvalidRequest if there is none."""


def mounts_of(value: Any, where: str, volume: VolumeRef) -> tuple[list[dict[str, Any]], list[str]]:
    """Mounts, and the paths of volumes without a name."""
    mounts: list[dict[str, Any]] = []
    anonymous: list[str] = []
    for item in listed(value, where):
        if not isinstance(item, dict) and ':' not in text(item, where):
            anonymous.append(text(item, where))
        else:
            mounts.append(_long(item, where, volume) if isinstance(item, dict) else _short(item, where, volume))
    return mounts, anonymous


def tmpfs_of(value: Any, where: str) -> list[dict[str, Any]]:
    """``/run:size=64m,mode=1777``."""
    found = []
    for item in texts(value, where):
        target, _, rest = item.partition(':')
        mount: dict[str, Any] = {'type': 'tmpfs', 'target': target}
        others = []
        for option in filter(None, rest.split(',')):
            name, _, given = option.partition('=')
            if name == 'size':
                mount['size'] = size(given, where)
            elif name == 'mode':
                mount['mode'] = given
            else:
                others.append(option)
        found.append({**mount, **({'options': others} if others else {})})
    return found


def _short(given: str, where: str, volume: VolumeRef) -> dict[str, Any]:
    source, target, *rest = given.split(':')
    options = [option for one in rest for option in one.split(',')]
    mount: dict[str, Any] = {'target': target, **_source(source, where, volume)}
    for option in options:
        if option in ('ro', 'rw'):
            mount['read_only'] = option == 'ro'
        elif option == 'nocopy' and mount['type'] == 'volume':
            mount['no_copy'] = True
        elif option not in _IGNORED:
            raise wrong(where, f'{given!r} has the option {option}, which a stack cannot express')
    return mount


def _source(source: str, where: str, volume: VolumeRef) -> dict[str, Any]:
    if source.startswith('/'):
        return {'type': 'bind', 'source': source, 'create_source': True}
    if source.startswith(('.', '~')):
        raise wrong(where, f'{source!r} is below the folder of the file, which the engine does not see; use a volume, '
                           'or configs for single files')
    return {'type': 'volume', 'volume': volume(source)}


def _long(value: Any, where: str, volume: VolumeRef) -> dict[str, Any]:
    given = known(value, where, _LONG)
    kind = given.get('type')
    if kind not in ('volume', 'bind', 'tmpfs'):
        raise wrong(f'{where}.type', f'{kind!r}: a stack knows volume, bind and tmpfs')
    if not given.get('target'):
        raise wrong(where, 'a mount needs target')
    for other in {'volume', 'bind', 'tmpfs'} - {kind}:
        if given.get(other):
            raise wrong(f'{where}.{other}', f'this is no option of a {kind}')
    mount: dict[str, Any] = {'type': kind, 'target': text(given['target'], where)}
    if 'read_only' in given:
        mount['read_only'] = flag(given['read_only'], f'{where}.read_only')
    return {**mount, **{'volume': _volume, 'bind': _bind, 'tmpfs': _tmpfs}[kind](given, where, volume)}


def _volume(given: Any, where: str, volume: VolumeRef) -> dict[str, Any]:
    options = known(given.get('volume'), f'{where}.volume', ('nocopy', 'subpath'))
    found: dict[str, Any] = {'volume': volume(text(given['source'], where))} if given.get('source') else {}
    if 'nocopy' in options:
        found['no_copy'] = flag(options['nocopy'], f'{where}.volume.nocopy')
    if 'subpath' in options:
        found['subpath'] = text(options['subpath'], f'{where}.volume.subpath')
    return found


def _bind(given: Any, where: str, volume: VolumeRef) -> dict[str, Any]:
    options = known(given.get('bind'), f'{where}.bind', ('propagation', 'create_host_path'))
    source = text(given.get('source', ''), where)
    if not source.startswith('/'):
        raise wrong(f'{where}.source', 'a bind needs an absolute path of the host')
    found = {'source': source, 'create_source': flag(options.get('create_host_path', True), f'{where}.bind')}
    return {**found, **({'propagation': options['propagation']} if options.get('propagation') else {})}


def _tmpfs(given: Any, where: str, volume: VolumeRef) -> dict[str, Any]:
    options = known(given.get('tmpfs'), f'{where}.tmpfs', ('size', 'mode'))
    found: dict[str, Any] = {}
    if 'size' in options:
        found['size'] = size(options['size'], f'{where}.tmpfs.size')
    if 'mode' in options:
        mode = options['mode']
        found['mode'] = f'{mode:o}' if isinstance(mode, int) else text(mode, where)
    return found
