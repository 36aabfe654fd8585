# SPDX-License-Identifier: Apache-2.0
"""What a container may do <-> the fields of HostConfig.

Silence about no-new-privileges means Docker's default, which is off: set-user-id programs such as sudo work. A spec's
own default is on, so what Nova and Heat make says so. Off is said, too, as a daemon of Docker's may be set to on.
"""

from nova_container import errors
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs

_SO_ANYWAY = (('apparmor', 'unconfined'), ('label', 'disable'))
"""What is asked of security modules that this engine gives its containers no profile or label of."""
_BOOLEANS = {'': True, 'true': True, '1': True, 'false': False, '0': False}


def security_body(security: specs.Security) -> Json:
    options = [f'no-new-privileges:{"true" if security.no_new_privileges else "false"}']
    if security.seccomp_unconfined or security.seccomp_profile:
        options.append(f'seccomp={"unconfined" if security.seccomp_unconfined else security.seccomp_profile}')
    return without_none({
        'SecurityOpt': options, 'Privileged': security.privileged or None,
        'ReadonlyRootfs': security.read_only_root or None,
        'CapAdd': _list(security.cap_add), 'CapDrop': _list(security.cap_drop), 'GroupAdd': _list(security.groups),
        'MaskedPaths': None if security.masked_paths is None else list(security.masked_paths),
        'ReadonlyPaths': None if security.read_only_paths is None else list(security.read_only_paths),
    })


def security_of(host: Document, *, strict: bool) -> specs.Security:
    """What a request asks for (``strict``), or what an answer tells.

    :raises Unsupported: a security option that this engine does not have (if ``strict``).
    """
    no_new_privileges, seccomp_unconfined, profile = False, False, ''
    for option in host.texts('SecurityOpt'):
        name, value = _split(option)
        if name == 'no-new-privileges' and value in _BOOLEANS:
            no_new_privileges = _BOOLEANS[value]
        elif name == 'seccomp' and (value in ('unconfined', 'builtin') or value.startswith('{')):
            seccomp_unconfined, profile = value == 'unconfined', value if value.startswith('{') else ''
        elif strict and (name, value) not in _SO_ANYWAY:
            raise errors.Unsupported(f'{host.path("SecurityOpt")} {option[:64]!r} is not supported: only '
                                     'no-new-privileges[:true|false] and seccomp=unconfined|builtin|{profile} are')
    return specs.Security(
        privileged=bool(host.flag('Privileged')), cap_add=host.texts('CapAdd'), cap_drop=host.texts('CapDrop'),
        no_new_privileges=no_new_privileges, seccomp_unconfined=seccomp_unconfined, seccomp_profile=profile,
        read_only_root=bool(host.flag('ReadonlyRootfs')), masked_paths=host.texts_or_none('MaskedPaths'),
        read_only_paths=host.texts_or_none('ReadonlyPaths'), groups=host.texts('GroupAdd'))


def _split(option: str) -> tuple[str, str]:
    """Docker takes ``name=value`` and, of old, ``name:value``."""
    separator = '=' if '=' in option else ':'
    name, _, value = option.partition(separator)
    return name, value


def _list(values: tuple[str, ...]) -> list[str] | None:
    return list(values) or None
