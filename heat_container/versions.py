# SPDX-License-Identifier: Apache-2.0
"""What the Docker Engine API learned after 1.41 (moby, api/docs/CHANGELOG.md), by the names of properties. Pure."""

from collections.abc import Mapping

from nova_container import errors
from nova_container.engine import EngineInfo

SINCE: Mapping[str, tuple[int, int]] = {
    'annotations': (1, 43), 'availability': (1, 42), 'healthcheck.start_interval': (1, 44), 'mounts.subpath': (1, 45),
    'mounts.image': (1, 48), 'networks.gateway_priority': (1, 48), 'enable_ipv4': (1, 47), 'attestations': (1, 55),
    'device_rates.update': (1, 55),
}
OLDEST = (1, 40)


def check(info: EngineInfo, field: str) -> None:
    """:raises Unsupported: the engine is too old for a field."""
    since = SINCE.get(field, OLDEST)
    found = parsed(info.api_version)
    if found < since:
        raise errors.Unsupported(f'{field} needs API {_text(since)} or later, but {info.name} {info.version} has '
                                 f'{info.api_version}: leave it out, or use another endpoint')


def parsed(version: str) -> tuple[int, int]:
    """``1.41`` as numbers, so that 1.9 is less than 1.41."""
    major, _, minor = version.partition('.')
    return int(major or 0), int(minor or 0)


def _text(version: tuple[int, int]) -> str:
    return '.'.join(map(str, version))
