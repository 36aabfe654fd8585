# SPDX-License-Identifier: Apache-2.0
"""What a registry wants to see before it answers: the header WWW-Authenticate (RFC 9110, 11.6.1)."""

import dataclasses
import re
from collections.abc import Mapping

_SCHEME = re.compile(r'\s*([A-Za-z][A-Za-z0-9_-]*)\s+')
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_MOST = 8192


@dataclasses.dataclass(frozen=True)
class Challenge:
    """``scheme`` is ``basic`` or ``bearer``; ``parameters`` are realm, service, scope."""

    scheme: str
    parameters: Mapping[str, str]


def parse(header: str) -> tuple[Challenge, ...]:
    """All challenges of a header; what is malformed ends the list."""
    found, position, header = [], 0, header[:_MOST]
    while match := _SCHEME.match(header, position):
        position, parameters = match.end(), {}
        while parameter := _PARAMETER.match(header, position):
            name, quoted, bare = parameter.groups()
            parameters[name.lower()] = re.sub(r'\\(.)', r'\1', quoted) if quoted is not None else bare
            position = parameter.end()
        found.append(Challenge(match[1].lower(), parameters))
    return tuple(found)
