# SPDX-License-Identifier: Apache-2.0
"""Sizes and times as the Docker API writes them."""

import datetime
import math
import re

from nova_container import errors

ZERO_TIME = '0001-01-01T00:00:00Z'
"""Go's zero time: it has not happened."""

_TIME = re.compile(r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)')
_SIZE = re.compile(r'(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?', re.IGNORECASE)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def timestamp_of(seconds: float | None) -> str:
    """RFC 3339 with nanoseconds, or Go's zero time for None."""
    if seconds is None:
        return ZERO_TIME
    whole = math.floor(seconds)
    nanoseconds = min(round((seconds - whole) * 1e9), 999_999_999)
    moment = _EPOCH + datetime.timedelta(seconds=whole)
    return f'{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z'


def seconds_of(timestamp: str) -> float | None:
    """UTC seconds since the epoch; None for an empty string and Go's zero time.

    :raises Corrupt: it is no RFC 3339 time.
    """
    if not timestamp or timestamp.startswith('0001-01-01T'):
        return None
    match = _TIME.fullmatch(timestamp)
    if not match:
        raise errors.Corrupt(f'{timestamp[:64]!r} is not a time')
    moment, fraction, zone = match.groups()
    offset = '+00:00' if zone == 'Z' else zone
    whole = (datetime.datetime.fromisoformat(moment + offset) - _EPOCH) // datetime.timedelta(seconds=1)
    return whole + int((fraction or '0').ljust(9, '0')) / 1e9


def moment_of(text: str, now: float) -> float | None:
    """A ``since`` or ``until``: epoch seconds with a fraction, an RFC 3339 time, or empty; ``5m`` counts back.

    :raises InvalidRequest: it is none of these.
    """
    if text in ('', '0'):
        return None
    if re.fullmatch(r'-?\d+(\.\d*)?', text):
        return float(text)
    if re.fullmatch(r'(\d+(\.\d+)?(h|ms|m|s))+', text):
        parts = re.findall(r'(\d+(?:\.\d+)?)(h|ms|m|s)', text)
        return now - sum(float(count) * {'h': 3600, 'm': 60, 's': 1, 'ms': 0.001}[unit] for count, unit in parts)
    try:
        return seconds_of(text)
    except (errors.Corrupt, ValueError):
        raise errors.InvalidRequest(f'{text[:64]!r} is neither epoch seconds, a time nor a duration') from None


def duration_of(text: str, where: str) -> float:
    """Seconds of a duration such as ``1m30s``. :raises InvalidSpec: it is none."""
    if not re.fullmatch(r'(\d+(\.\d+)?(h|ms|m|s))+', text):
        raise errors.InvalidSpec(f'{where} must be a duration such as 30s, not {text[:64]!r}')
    return sum(float(count) * {'h': 3600, 'm': 60, 's': 1, 'ms': 0.001}[unit]
               for count, unit in re.findall(r'(\d+(?:\.\d+)?)(h|ms|m|s)', text))


def bytes_of(size: str, where: str, *, base: int = 1024) -> int:
    """A size such as ``10m``; ``base`` is 1000 where Docker counts decimally.

    :raises InvalidSpec: it is no size.
    """
    match = _SIZE.fullmatch(size.strip())
    if not match:
        raise errors.InvalidSpec(f'{where} must be a size such as 10m, not {size[:64]!r}')
    number, unit = match.groups()
    factor: int = base ** ' kmgtp'.index(unit.lower() or ' ')
    return int(float(number) * factor) if '.' in number else int(number) * factor
