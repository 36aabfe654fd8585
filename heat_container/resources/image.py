# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Image."""

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _
from heat.engine import translation

from heat_container import credentials, endpoints, image_names, image_sources
from heat_container.resources.base import DockerResource
from heat_container.resources.image_work import Made, Planner, Work, reference_of
from heat_container.schema import image as schema
from nova_container import errors
from nova_container.engine import ImageInfo
from nova_container.image import reference as references

_NAMES, _DIGEST, _PUSHED = 'names', 'digest', 'pushed_digest'


class Image(DockerResource):
    """An image on a container engine.

    It is pulled from a registry, taken from Glance or from a web server, built from a Dockerfile, or made of a
    container. Other resources refer to it by its id, so a new image under an old name replaces what runs it.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.PROPERTIES}
    attributes_schema = schema.ATTRIBUTES
    secret_properties = frozenset((schema.CREDENTIALS, schema.PUSH))

    # Life

    def validate(self) -> None:
        super().validate()
        given = [name for name in schema.SOURCES if self.properties[name]]
        if len(given) > 1:
            raise exception.StackValidationFailed(message=_('An image has one source: not %s.') % ' and '.join(given))
        if not given and not self.properties[schema.NAME]:
            raise exception.StackValidationFailed(message=_('Say where the image comes from: name, or one of %s.')
                                                  % ', '.join(schema.SOURCES))
        if self.properties[schema.UPDATE_ON] == 'digest_change' and given:
            raise exception.StackValidationFailed(message=_('update_on digest_change is for images of a registry.'))

    def translation_rules(self, props: Any) -> list[translation.TranslationRule]:
        """Names of images of Glance become ids."""
        return [translation.TranslationRule(
            props, translation.TranslationRule.RESOLVE, [schema.GLANCE], client_plugin=self.client_plugin('glance'),
            finder='find_image_by_name_or_id')]

    def handle_create(self) -> str:
        work = self._work(self.properties)
        self._remember_names(work)
        return self.background(work.run)

    def check_create_complete(self, token: str) -> bool:
        return self._arrived(token)

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> str | None:
        """Names and a push change in place; without any change the registry has a newer image."""
        after = json_snippet.properties(self.properties_schema, self.context)
        work = self._work(after)
        if self.resource_id and self._is_here() and not self._newer(after):
            work = dataclasses.replace(work, image_id=self.resource_id)
            if schema.PUSH not in prop_diff:
                work = dataclasses.replace(work, push=None)
        dropped = set(self._names()) - set(work.names)
        self._remember_names(work)
        image_sources.untag(self.engine(), self.resource_id, dropped)
        return self.background(work.run)

    def check_update_complete(self, token: str) -> bool:
        return self._arrived(token)

    def handle_delete(self) -> None:
        kept = self.properties[schema.ON_DELETE]
        if kept == 'keep':
            return
        image_sources.untag(self.engine(), self.resource_id, self._names())
        if kept == 'remove' and self.resource_id:
            self._remove()

    def handle_adopt(self, resource_data: Any = None) -> None:
        """With those of its names that are the project's to take away."""
        super().handle_adopt(resource_data)
        info = self.engine().inspect_image(self.resource_id)
        own = [name for name in info.references if not self.endpoint().shared or image_names.is_of(
            self._project_id, name)]
        self.data_set(_NAMES, json.dumps(own))

    def handle_check(self) -> None:
        info = self.engine().inspect_image(self.resource_id)
        lost = [name for name in self._names() if name not in info.references]
        if lost:
            raise exception.Error(_('The image is not called %s any more.') % ', '.join(lost))

    def needs_replace_failed(self) -> bool:
        return not (self.resource_id and self._is_here())

    def _needs_update(self, after: Any, before: Any, after_props: Any, before_props: Any, prev_resource: Any,
                      check_init_complete: bool = True) -> bool:
        needed = super()._needs_update(after, before, after_props, before_props, prev_resource, check_init_complete)
        return needed or self._newer(after_props)

    def get_live_resource_data(self) -> ImageInfo:
        return self.engine().inspect_image(self.resource_id)

    def parse_live_resource_data(self, resource_properties: Any, resource_data: ImageInfo) -> dict[str, Any]:
        wanted = resource_properties[schema.TAGS] or []
        return {schema.TAGS: [tag for tag in wanted if self._named(tag) in resource_data.references]}

    # What it is

    def _show_resource(self) -> dict[str, Any]:
        info = self.get_live_resource_data()
        return {**dataclasses.asdict(info), 'references': self._told(info), _DIGEST: self.data().get(_DIGEST, '')}

    def _told(self, info: ImageInfo) -> list[str]:
        """The names of the image, without those that others on a shared engine gave it."""
        pulled = set() if self._source(self.properties) else {reference_of(self.properties)}
        return [name for name in info.references
                if not self.endpoint().shared or name in pulled or name in self._names()]

    def _resolve_attribute(self, name: str) -> Any:
        if not self.resource_id:
            return None
        if name == schema.REMOTE_DIGEST:
            return self._remote_digest(self.properties)
        if name in (_DIGEST, _PUSHED):
            return self.data().get(name, '')
        info = self.get_live_resource_data()
        return {schema.ID: info.id, schema.TAG_NAMES: [one for one in self._told(info) if '@' not in one],
                schema.SIZE: info.size_bytes, schema.ARCHITECTURE: info.architecture, schema.OS: info.os,
                schema.CONFIG: dict(info.config), schema.CREATED: _moment(info.created_at),
                schema.HISTORY: [dict(one) for one in info.history]}[name]

    # Steps

    def _work(self, props: Mapping[str, Any]) -> Work:
        return Planner(self.engine(), image_names.labels(self.own_labels()), self._named, self._secret,
                       lambda: self.client('glance'), self.check_owner, endpoints.address_for_tenant,
                       self.endpoint().limits).plan(props)

    def _named(self, name: str) -> str:
        """The name as it is on the engine: on one that projects share, below a prefix of ours."""
        if self.endpoint().shared:
            return image_names.of_project(self._project_id, name)
        return references.parse(name).familiar()

    def _arrived(self, token: str) -> bool:
        made: Made | None = self.outcome(token)
        if made is None:
            return False
        self.resource_id_set(made.image_id)
        for name, value in ((_DIGEST, made.digest), (_PUSHED, made.pushed_digest)):
            if value:
                self.data_set(name, value)
        return True

    def _names(self) -> list[str]:
        """The names that this resource gives, each of which is taken away with it."""
        return list(json.loads(self.data().get(_NAMES, '[]')))

    def _remember_names(self, work: Work) -> None:
        """Before they are given; not what somebody else has pulled before."""
        ours = {*self._names(), *set(work.names) - {work.pulled}}
        if work.pulled and image_sources.holder_of(self.engine(), work.pulled) is None:
            ours.add(work.pulled)
        self.data_set(_NAMES, json.dumps([name for name in work.names if name in ours]))

    def _remove(self) -> None:
        """All of it, unless others than this project named it. :raises WrongState: a container uses it."""
        engine = self.engine()
        try:
            info = engine.inspect_image(self.resource_id)
        except errors.ImageNotFound:
            return
        if not self.endpoint().shared or not any(map(self._is_foreign, info.references)):
            engine.remove_image(info.id)

    def _is_foreign(self, name: str) -> bool:
        """Whether others than this project may rely on a name. Names by digest go with the last tag beside them."""
        return not ('@' in name or name in self._names() or image_names.is_of(self._project_id, name))

    def _is_here(self) -> bool:
        return image_sources.holder_of(self.engine(), self.resource_id) is not None

    def _newer(self, props: Mapping[str, Any]) -> bool:
        """Whether the registry has another image under the name than the one that was pulled."""
        if props[schema.UPDATE_ON] != 'digest_change' or not self.resource_id:
            return False
        return bool(self._remote_digest(props) != self.data().get(_DIGEST))

    def _remote_digest(self, props: Mapping[str, Any]) -> str | None:
        if self._source(props):
            return None
        shown = credentials.resolve(props[schema.CREDENTIALS], self._secret)
        return self.engine().inspect_remote(props[schema.NAME], credentials=shown).digest

    @staticmethod
    def _source(props: Mapping[str, Any]) -> str | None:
        """The property that tells of a source other than a registry."""
        return next((name for name in schema.SOURCES if props[name]), None)

    def _secret(self, ref: str) -> Any:
        return self.client_plugin('barbican').get_secret_payload_by_ref(ref)


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
