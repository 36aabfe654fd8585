# SPDX-License-Identifier: Apache-2.0
"""Properties of a pod -> the specs of its containers. Pure."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from heat_container.schema.container.properties import PROPERTIES
from heat_container.schema.pod import LIVE
from heat_container.translate import container, limits, networks
from nova_container import errors
from nova_container.engine import ContainerSpec, NetworkMode, NetworkSpec, ProcessSpec, RestartPolicy, Sharing

Properties = Mapping[str, Any]
_FOREVER = frozenset(('always', 'unless-stopped'))
_EMPTY: Mapping[str, Any] = dict.fromkeys(PROPERTIES)


def infra_spec(props: Properties, *, name: str, image: str, labels: Mapping[str, str]) -> ContainerSpec:
    """The container that holds what is shared."""
    found = networks.network_of({**_EMPTY, **{key: props[key] for key in (
        'networks', 'ports', 'dns', 'dns_search', 'dns_options', 'extra_hosts')}})
    return ContainerSpec(
        name=name, image=image, hostname=props['hostname'] or '', network=found, labels=labels,
        process=ProcessSpec(stop_signal='SIGKILL'), restart=infra_restart(props),
        sharing=Sharing(ipc='shareable' if 'ipc' in props['share'] else ''))


def infra_restart(props: Properties) -> RestartPolicy:
    """What holds the namespaces comes back with its engine if a member does."""
    members = (limits.restart_of(member_properties(props, one)).name for one in props['containers'])
    return RestartPolicy(name='always' if _FOREVER & set(members) else 'no')


def member_spec(props: Properties, member: Properties, *, pod: str, infra: str, image: str, labels: Mapping[str, str],
                secrets: Mapping[str, str]) -> ContainerSpec:
    """One member.

    :param member: of ``member_properties``.
    :param pod: the name of the pod on the engine.
    :param infra: the id of the container that holds what is shared.
    """
    mounts = [{**mount, 'volume': volume_name(pod, mount['volume'])} if mount['volume'] in props['volumes'] else mount
              for mount in member['mounts'] or ()]
    found = container.spec_of({**member, 'mounts': mounts}, name=f'{pod}-{member["name"]}', image=image, labels=labels,
                              secrets=secrets)
    joined = {kind: f'container:{infra}' for kind in ('ipc', 'pid') if kind in props['share']}
    return dataclasses.replace(found, network=NetworkSpec(mode=NetworkMode.CONTAINER, container=infra),
                               sharing=dataclasses.replace(found.sharing, **joined))


def member_properties(props: Properties, member: Properties, *, init: bool = False) -> dict[str, Any]:
    """A member with every property of a container, and with what the pod says where it says nothing."""
    found = {**_EMPTY, **member}
    if init:
        return {**found, 'wait_for': 'exited', 'expected_exit_codes': [0], 'restart_policy': None}
    return {**found, 'restart_policy': found['restart_policy'] or props['restart_policy']}


def volume_name(pod: str, volume: str) -> str:
    return f'{pod}-{volume}'


def digest_of(member: Properties) -> str:
    """Of what cannot change while the member runs."""
    fixed = {name: value for name, value in member.items() if name not in LIVE and value is not None}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True, default=str).encode()).hexdigest()


def check(props: Properties) -> None:
    """:raises InvalidSpec: properties contradict each other."""
    names = [one['name'] for one in (*props['init_containers'], *props['containers'])]
    for name in names:
        if names.count(name) > 1:
            raise errors.InvalidSpec(f'containers: two are called {name}')
    if 'net' not in props['share']:
        raise errors.InvalidSpec('share: net is what makes a pod; add it')
    if len(set(props['volumes'])) < len(props['volumes']):
        raise errors.InvalidSpec('volumes: a name is given twice')
