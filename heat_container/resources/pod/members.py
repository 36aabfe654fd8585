# SPDX-License-Identifier: Apache-2.0
"""The containers of a pod: made and found. One is known by its label; what it was made of, by what Heat keeps of it."""

import dataclasses
import io
import json
from collections.abc import Mapping
from typing import Any

from heat_container import image_names, image_sources, names
from heat_container.resources.base import DockerResource
from heat_container.resources.container import files, making
from heat_container.resources.container.steps import Waits
from heat_container.translate import container as texts
from heat_container.translate import pod as translate
from nova_container import errors
from nova_container.docker import infra_image
from nova_container.engine import ContainerInfo, Engine
from nova_container.engine.volume import Volume

INFRA = '.infra'
"""The member that holds what is shared; no other can have this name."""
_DIGESTS, _IMAGE = 'digests', 'infra:1'
_GIVES_THE_NAME = 'docker'
"""It gives members the host name with the network, and refuses one of their own."""
Properties = Mapping[str, Any]


def of(pod: DockerResource) -> dict[str, ContainerInfo]:
    """All of its containers by name, what holds the shared as ``INFRA``."""
    if pod.uuid is None:
        return {}
    found = pod.engine().list(labels={names.RESOURCE_UUID: pod.uuid})
    return {info.labels.get(names.POD_MEMBER, ''): info for info in found}


def labels_of(pod: DockerResource, member: str, wanted: Mapping[str, Any] | None) -> dict[str, str]:
    """Labels of the template, of whose it is, and of which one it is."""
    return {**texts.mapping_of(wanted), **pod.own_labels(), names.POD_MEMBER: member}


def make_infra(pod: DockerResource, props: Properties) -> Waits:
    """Make and start what holds the shared; its id is the pod's."""
    engine = pod.engine()
    check_networks(pod, props)
    if wanted := props['infra_image'] or pod.endpoint().infra_image:
        image = yield from making.image_of(pod, {
            'image': wanted, 'image_pull_policy': 'if_not_present', 'registry_credentials': None,
            'platform': None})
    else:
        image = _own_image(engine, image_names.of_project(pod._project_id, _IMAGE))
    spec = translate.infra_spec(props, name=props['name'] or pod.physical_name(), image=image,
                                labels=labels_of(pod, INFRA, props['labels']))
    made = engine.create(spec)
    pod.resource_id_set(made)
    for volume in props['volumes']:
        engine.create_volume(Volume(name=translate.volume_name(spec.name, volume)))
    return made


def check_networks(pod: DockerResource, props: Properties) -> None:
    """:raises Unsupported: the engine is too old for what is asked of a network."""
    if any(one['gateway_priority'] for one in props['networks'] or ()):
        pod.needs('networks.gateway_priority')


def make(pod: DockerResource, props: Properties, member: Properties, infra: ContainerInfo) -> Waits:
    """Make one of ``member_properties``, and return its id."""
    engine = pod.engine()
    making.check_versions(pod, member)
    image = yield from making.image_of(pod, member)
    spec = translate.member_spec(
        props, member, pod=infra.name, infra=infra.id, image=image, secrets=secrets_of(pod, member),
        labels=labels_of(pod, member['name'], {**(props['labels'] or {}), **(member['labels'] or {})}))
    if engine.info().name != _GIVES_THE_NAME:
        spec = dataclasses.replace(spec, hostname=props['hostname'] or infra.id[:12])
    made = engine.create(spec)
    files.write(engine, made, member['files'] or ())
    keep_digest(pod, member)
    return made


def secrets_of(pod: DockerResource, member: Properties) -> dict[str, str]:
    return making.secrets_of(pod, member['secret_environment'])


def digests(pod: DockerResource) -> dict[str, str]:
    """What each member was made of."""
    return dict(json.loads(pod.data().get(_DIGESTS, '{}')))


def keep_digest(pod: DockerResource, member: Properties) -> None:
    """Encrypted: secrets are part of what it is of."""
    kept = {**digests(pod), member['name']: translate.digest_of(member)}
    pod.data_set(_DIGESTS, json.dumps(kept), redact=True)


def forget(pod: DockerResource, member: str) -> None:
    pod.data_set(_DIGESTS, json.dumps({name: kept for name, kept in digests(pod).items() if name != member}),
                 redact=True)


def _own_image(engine: Engine, name: str) -> str:
    """Under a name of the project, as what only others name is theirs.

    :raises Unsupported: there is none for the architecture of the engine.
    """
    if (here := image_sources.holder_of(engine, name)) is not None:
        return here
    architecture = infra_image.ARCHITECTURES.get(engine.info().architecture)
    if architecture is None:
        raise errors.Unsupported(f'There is no infra image for {engine.info().architecture}: give infra_image')
    _image_id, archive = infra_image.archive(architecture)
    return engine.load(io.BytesIO(archive), reference=name)[0].id
