# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Volume."""

from heat.common.i18n import _
from heat.engine import attributes, constraints, properties

NAME, DRIVER, DRIVER_OPTS, LABELS, SIZE = 'name', 'driver', 'driver_opts', 'labels', 'size'
ID, MOUNTPOINT, CREATED, USED_BY = 'id', 'mountpoint', 'created', 'used_by'
_NAMES = r'[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}'
_MANY = 128

PROPERTIES = {
    NAME: properties.Schema(
        properties.Schema.STRING,
        _('The name of the volume on the engine. Without it, one that is made of those of stack and resource.'),
        constraints=[constraints.AllowedPattern(_NAMES)]),
    DRIVER: properties.Schema(
        properties.Schema.STRING, _('The driver. All but local need the rule docker:create:volume_driver_opts.'),
        default='local', constraints=[constraints.Length(min=1, max=255)]),
    DRIVER_OPTS: properties.Schema(
        properties.Schema.MAP,
        _('Options of the driver. Those of local are type, device and o, as for mount(8); all but type tmpfs need the '
          'rule docker:create:volume_driver_opts.'), constraints=[constraints.Length(max=_MANY)]),
    SIZE: properties.Schema(
        properties.Schema.INTEGER,
        _('Bytes that it may grow to: of a volume in memory (type tmpfs), or of a driver that knows the option size.'),
        constraints=[constraints.Range(min=4096)]),
    LABELS: properties.Schema(
        properties.Schema.MAP, _('Labels, beside those that Heat sets.'), constraints=[constraints.Length(max=_MANY)]),
}

def _told(kind: str, description: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind)


def _live(kind: str, description: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind, cache_mode=attributes.Schema.CACHE_NONE)


ATTRIBUTES = {
    ID: _told(attributes.Schema.STRING, _('Its name, which is its id.')),
    NAME: _told(attributes.Schema.STRING, _('Its name on the engine.')),
    DRIVER: _told(attributes.Schema.STRING, _('Its driver.')),
    CREATED: _told(attributes.Schema.STRING, _('When it was made, in ISO 8601.')),
    MOUNTPOINT: _told(attributes.Schema.STRING,
                      _("Its folder on the host, on an engine of the project's own; of others nothing is told.")),
    SIZE: _live(attributes.Schema.INTEGER, _('How many bytes are in it, counted anew each time.')),
    USED_BY: _live(attributes.Schema.LIST, _('Ids of the containers that use it.')),
}
