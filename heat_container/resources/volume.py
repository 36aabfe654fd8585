# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Volume."""

import contextlib
import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from heat.common import exception

from heat_container.resources.base import DockerResource, texts
from heat_container.schema import volume as schema
from nova_container import errors
from nova_container.engine import volume

_ADOPTED = 'adopted'


class Volume(DockerResource):
    """Files that outlive the containers that mount them.

    Engines can change nothing of a volume, so each change makes a new one, empty. One that has the name of the old is
    refused: the files of the old would be lost, even to a rollback. With the deletion policy Retain the files stay.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.PROPERTIES}
    attributes_schema = schema.ATTRIBUTES

    def validate(self) -> None:
        super().validate()
        try:
            _options(self.properties)
        except errors.InvalidRequest as error:
            raise exception.StackValidationFailed(message=str(error)) from None

    def handle_create(self) -> None:
        wanted = volume.Volume(
            name=self.properties[schema.NAME] or self.physical_name(), driver=self.properties[schema.DRIVER],
            options=_options(self.properties), labels=texts(self.properties[schema.LABELS]))
        self._refuse_another(wanted.name)
        made = self.engine().create_volume(wanted)
        self.resource_id_set(made.name)

    def handle_delete(self) -> None:
        with contextlib.suppress(errors.NotFound):
            engine = self.engine()
            for name in self._mine():
                engine.remove_volume(name)

    def handle_check(self) -> None:
        self._found()

    def needs_replace_failed(self) -> bool:
        return self.is_lost(self._found)

    def handle_adopt(self, resource_data: Any = None) -> None:
        super().handle_adopt(resource_data)
        self._found()
        self.data_set(_ADOPTED, 'true')

    def _show_resource(self) -> dict[str, Any]:
        told = dataclasses.asdict(self._found())
        return told if not self.endpoint().shared else {**told, 'mountpoint': ''}

    def parse_live_resource_data(self, resource_properties: Any, resource_data: Any) -> dict[str, Any]:
        """It is there, and nothing of it can change."""
        return {}

    def _resolve_attribute(self, name: str) -> Any:
        if self.resource_id is None:
            return None
        if name == schema.SIZE:
            return next((each.size_bytes for each in self.engine().list_volumes(sizes=True)
                         if each.name == self.resource_id), None)
        found = self._found()
        created = datetime.datetime.fromtimestamp(found.created_at, datetime.UTC).isoformat()
        return {schema.ID: found.name, schema.NAME: found.name, schema.DRIVER: found.spec.driver,
                schema.CREATED: created, schema.USED_BY: list(found.used_by),
                schema.MOUNTPOINT: '' if self.endpoint().shared else found.mountpoint}[name]

    def _found(self) -> volume.VolumeInfo:
        return self.engine().inspect_volume(self.resource_id)

    def _refuse_another(self, name: str) -> None:
        """Engines return a volume that is there already as if it were new. :raises AlreadyExists:"""
        try:
            found = self.engine().inspect_volume(name)
        except errors.VolumeNotFound:
            return
        if not self.is_mine(found.spec.labels):
            raise errors.AlreadyExists(f'There is a volume {name} already: give the new one another name, so that the '
                                       'files of the old are not lost')

    def _mine(self) -> list[str]:
        """By the labels: after it was lost, another may have its name; and the name may not be kept as Heat ended."""
        if self.resource_id is not None and self.data().get(_ADOPTED):
            return [self.resource_id]
        return [each.name for each in self.engine().list_volumes() if self.is_mine(each.spec.labels)]


def _options(props: Mapping[str, Any]) -> dict[str, str]:
    """Options of the driver, with the size. :raises InvalidSpec: the driver could not keep it."""
    found, size = texts(props[schema.DRIVER_OPTS]), props[schema.SIZE]
    if size is None:
        return found
    if props[schema.DRIVER] != 'local':
        return {**found, 'size': str(size)}
    if found.get('type') != 'tmpfs':
        raise errors.InvalidSpec('size: the driver local keeps to it in memory only; give driver_opts {type: tmpfs, '
                                 'device: tmpfs}, or another driver')
    if 'size=' in found.get('o', ''):
        raise errors.InvalidSpec('size: driver_opts says it too; give it once')
    return {**found, 'o': ','.join(filter(None, (found.get('o'), f'size={size}')))}
