# SPDX-License-Identifier: Apache-2.0
"""How a container comes to be: its image, itself, its files, its start, and what the stack waits for."""

import re
import threading
from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _

from heat_container import credentials, image_sources, ownership
from heat_container.resources.base import DockerResource
from heat_container.resources.container import files, replacement, waiting
from heat_container.resources.container.steps import Waits, beside
from heat_container.translate import container as translate
from nova_container import errors
from nova_container.engine import ContainerSpec, Engine, ExecSpec, LogQuery, execution
from nova_container.image import reference as references

_ID = re.compile(r'sha256:[0-9a-f]{64}|[0-9a-f]{64}')
_BARBICAN = re.compile(r'https?://\S+/v1/secrets/[0-9a-fA-F-]{36}/?')
_SAID_LINES, _SAID_CHARACTERS = 10, 1000
_ENDED = 'ended'
Properties = Mapping[str, Any]


def make(resource: DockerResource, props: Properties, name: str) -> Waits:
    """All steps; the container's id is kept in the resource as soon as it has one."""
    engine, secrets = resource.engine(), secrets_of(resource, props['secret_environment'])
    check_versions(resource, props)
    image = yield from image_of(resource, props)
    beside_of = resource.beside()
    spec = spec_of(props, resource, name=name, image=image, secrets=secrets, beside_of=beside_of)
    replacement.make_way(resource, props['replace_strategy'])
    container = engine.create(spec)
    resource.resource_id_set(container)
    files.write(engine, container, props['files'] or ())
    if props['start']:
        yield from start(resource, container, props, tuple(secrets.values()))


def spec_of(props: Properties, resource: DockerResource, *, name: str, image: str, secrets: Mapping[str, str],
            beside_of: str) -> ContainerSpec:
    """What is made. :raises InvalidSpec: labels say whose it is."""
    labels = ownership.merged(translate.mapping_of(props['labels']), resource.own_labels())
    return translate.spec_of(props, name=name, image=image, labels=labels, secrets=secrets, beside=beside_of)


def start(resource: DockerResource, container: str, props: Properties, secret: tuple[str, ...] = ()) -> Waits:
    """Start it, run the hook, and wait for what completes it.

    :raises Error: it ended otherwise than expected, or can never be what is waited for.
    """
    engine = resource.engine()
    engine.start(container)
    yield  # one that fails at once is seen to
    if hook := hook_of(props, 'post_start'):
        yield from _hook(resource, container, hook, props['hooks']['timeout'], secret)
    yield from wait(resource, container, props, secret)


def wait(resource: DockerResource, container: str, props: Properties, secret: tuple[str, ...] = ()) -> Waits:
    """Until it is what ``wait_for`` says."""
    engine = resource.engine()
    with resource.attempt() as called_off:
        while not called_off.is_set():
            try:
                info = engine.inspect(container)
                if waiting.reached(info, props['wait_for'], props['expected_exit_codes']):
                    if waiting.is_over(info):
                        resource.data_set(_ENDED, 'yes')
                    else:
                        resource.data_delete(_ENDED)
                    return
            except exception.Error as error:
                raise exception.Error(f'{without(str(error), secret)}{_said(engine, container, secret)}') from None
            yield
    raise exception.Error(_('A newer update of the stack does not wait for it.'))


def may_have_ended(resource: DockerResource, props: Properties) -> bool:
    """Whether it is a job: one that is not waited for to run, or that had ended when it was complete."""
    return props['wait_for'] in ('none', 'exited') or bool(resource.data().get(_ENDED))


def image_of(resource: DockerResource, props: Properties) -> Waits:
    """The id of the image, pulled beside if it must be. :raises ImageNotFound: it is not here, and is not pulled."""
    engine, wanted, policy = resource.engine(), props['image'], props['image_pull_policy']
    here = image_sources.holder_of(engine, wanted)
    if here is not None and (policy != 'always' or _ID.fullmatch(wanted)):
        return here
    if policy == 'never' or _ID.fullmatch(wanted):
        raise errors.ImageNotFound(wanted)
    login = credentials.resolve(props['registry_credentials'], secret_reader(resource))
    reference, platform = references.parse(wanted).familiar(), props['platform'] or ''

    def pull(stop: threading.Event) -> str:
        return image_sources.pull(engine, stop, reference, credentials=login, platform=platform)
    return (yield from beside(resource, pull))


def secrets_of(resource: DockerResource, wanted: Mapping[str, Any] | None) -> dict[str, str]:
    """The values of secret variables: from Barbican if one is the reference of a secret there."""
    return {name: _payload(resource, value) if _BARBICAN.fullmatch(value) else value
            for name, value in texts_of(wanted).items()}


def texts_of(wanted: Mapping[str, Any] | None) -> dict[str, str]:
    """Secret variables as the template has them."""
    return translate.mapping_of(wanted)


def secret_reader(resource: DockerResource) -> Any:
    return lambda ref: resource.client_plugin('barbican').get_secret_payload_by_ref(ref)


def check_versions(resource: DockerResource, props: Properties) -> None:
    """:raises Unsupported: the engine is too old for a property."""
    if props['annotations']:
        resource.needs('annotations')
    if (props['healthcheck'] or {}).get('start_interval') is not None:
        resource.needs('healthcheck.start_interval')
    if any(one['gateway_priority'] for one in props['networks'] or ()):
        resource.needs('networks.gateway_priority')
    if any(mount['subpath'] for mount in props['mounts'] or ()):
        resource.needs('mounts.subpath')


def hook_of(props: Properties, name: str) -> tuple[str, ...]:
    return tuple((props['hooks'] or {}).get(name) or ())


def without(text: str, secret: tuple[str, ...]) -> str:
    """With stars instead of secrets."""
    for value in sorted(secret, key=len, reverse=True):
        text = text.replace(value, '***') if len(value) > 2 else text
    return text


def _payload(resource: DockerResource, ref: str) -> str:
    payload = secret_reader(resource)(ref)
    return payload.decode('utf-8', 'replace') if isinstance(payload, bytes) else str(payload)


def _hook(resource: DockerResource, container: str, command: tuple[str, ...], timeout_s: float,
          secret: tuple[str, ...]) -> Waits:
    engine = resource.engine()

    def run(stop: threading.Event) -> Any:
        return execution.run(engine, container, ExecSpec(command=command), timeout_s=timeout_s, limit_bytes=4096,
                             stop=stop)
    result = yield from beside(resource, run)
    if result.exit_code:
        said = without((result.stderr or result.stdout).decode('utf-8', 'replace'), secret).strip()[-_SAID_CHARACTERS:]
        raise exception.Error(_('The hook post_start ended with %(code)d: %(said)s') % {
            'code': result.exit_code, 'said': said or _('it said nothing')})


def _said(engine: Engine, container: str, secret: tuple[str, ...]) -> str:
    """The end of its output, for a message."""
    try:
        output = b''.join(chunk.data for chunk in engine.logs(container, LogQuery(tail=_SAID_LINES)))
    except errors.ContainerError:
        return ''
    text = without(output.decode('utf-8', 'replace'), secret).strip()[-_SAID_CHARACTERS:]
    return f' Its output ends: {text}' if text else ''
