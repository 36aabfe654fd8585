# SPDX-License-Identifier: Apache-2.0
"""A system call policy that a client brings, in Docker's form, as ``linux.seccomp`` of an OCI config.json.

Source: moby/profiles seccomp.go. What depends on the architecture, the kernel or capabilities is decided here.
"""

import json
import platform
import re
from collections.abc import Mapping
from typing import Any

from nova_container import errors

Json = dict[str, Any]

_ACTIONS = frozenset(f'SCMP_ACT_{name}' for name in (
    'KILL', 'KILL_THREAD', 'KILL_PROCESS', 'TRAP', 'ERRNO', 'TRACE', 'ALLOW', 'LOG'))
_OPERATORS = frozenset(f'SCMP_CMP_{name}' for name in ('NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'))
_NATIVE = {'x86_64': ('amd64', 'SCMP_ARCH_X86_64'), 'aarch64': ('arm64', 'SCMP_ARCH_AARCH64')}
_ERRNO, _REGISTER = 4095, (1 << 64) - 1
_NUMBERS = re.compile(r'(\d+)\.(\d+)')


def as_oci(text: str, capabilities: frozenset[str], machine: str = '', kernel: str = '') -> Json:
    """The policy for a process that may hold ``capabilities``, on this machine and kernel unless others are given.

    :raises InvalidSpec: it is no such profile.
    """
    arch, native = _NATIVE.get(machine or platform.machine(), ('', ''))
    version = _version(kernel or platform.release())
    try:
        profile = _object(json.loads(text))
        found: Json = {'defaultAction': _one_of(_ACTIONS, profile['defaultAction']),
                       'architectures': _architectures(profile, native),
                       'syscalls': [_rule(_object(rule)) for rule in profile.get('syscalls') or ()
                                    if _is_meant(_object(rule), arch, version, capabilities)]}
        if profile.get('defaultErrnoRet') is not None:
            found['defaultErrnoRet'] = _number(profile['defaultErrnoRet'], _ERRNO)
    except KeyError as error:
        raise _malformed(f'{error} is missing') from error
    except (TypeError, ValueError, RecursionError) as error:
        raise _malformed(str(error)[:200]) from error
    return found


def _malformed(why: str) -> errors.InvalidSpec:
    return errors.InvalidSpec(f'security: the seccomp profile cannot be used: {why}')


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f'{str(value)[:64]!r} is not an object')
    return value


def _one_of(known: frozenset[str], value: object) -> str:
    if value not in known:
        raise ValueError(f'{str(value)[:64]!r} is not one of {", ".join(sorted(known))}')
    return str(value)


def _architectures(profile: Mapping[str, Any], native: str) -> list[str]:
    named, mapped = profile.get('architectures') or [], profile.get('archMap') or []
    if named and mapped:
        raise ValueError('give architectures or archMap, not both')
    for entry in map(_object, mapped):
        if entry['architecture'] == native:
            return [native, *map(str, entry.get('subArchitectures') or ())]
    return [str(each) for each in named]


def _is_meant(rule: Mapping[str, Any], arch: str, kernel: tuple[int, int], capabilities: frozenset[str]) -> bool:
    """Whether a rule is for this machine, this kernel and these capabilities."""
    wanted, unwanted = _object(rule.get('includes') or {}), _object(rule.get('excludes') or {})
    return ((not wanted.get('arches') or arch in wanted['arches']) and arch not in (unwanted.get('arches') or ())
            and capabilities.issuperset(wanted.get('caps') or ())
            and capabilities.isdisjoint(unwanted.get('caps') or ())
            and (not wanted.get('minKernel') or kernel >= _version(wanted['minKernel']))
            and (not unwanted.get('minKernel') or kernel < _version(unwanted['minKernel'])))


def _version(text: str) -> tuple[int, int]:
    numbers = _NUMBERS.match(text)
    if numbers is None:
        raise ValueError(f'{text[:64]!r} is not a version of a kernel')
    return int(numbers[1]), int(numbers[2])


def _rule(rule: Mapping[str, Any]) -> Json:
    names = [str(name) for name in rule.get('names') or [rule['name']]]
    found: Json = {'names': names, 'action': _one_of(_ACTIONS, rule['action'])}
    if rule.get('errnoRet') is not None:
        found['errnoRet'] = _number(rule['errnoRet'], _ERRNO)
    if rule.get('args'):
        found['args'] = [_argument(_object(each)) for each in rule['args']]
    return found


def _argument(argument: Mapping[str, Any]) -> Json:
    return {'index': _number(argument['index'], 5), 'value': _number(argument['value'], _REGISTER),
            'valueTwo': _number(argument.get('valueTwo') or 0, _REGISTER),
            'op': _one_of(_OPERATORS, argument['op'])}


def _number(value: object, most: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f'{str(value)[:64]!r} is not a whole number of 0 to {most}')
    return value
