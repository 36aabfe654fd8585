# SPDX-License-Identifier: Apache-2.0
"""Properties of a container about its files."""

from heat.common.i18n import _
from heat.engine import constraints

from heat_container.schema.kinds import flag, like, mapping, one_of, records, text, texts, whole

_PATH = like('/.*')
MOUNT_FIELDS = {
    'type': text(_('volume, tmpfs (in memory), or bind, a folder of the host, where that is allowed.'),
                 default='volume', constraints=one_of('volume', 'tmpfs', 'bind')),
    'target': text(_('The absolute path inside.'), required=True, constraints=_PATH),
    'volume': text(_('Of a volume: its name, or an OS::Docker::Volume. Without it a new one that goes with the '
                     'container.')),
    'source': text(_('Of a bind: the absolute path on the host.'), constraints=_PATH),
    'read_only': flag(_('Whether nothing can be written there.'), False),
    'subpath': text(_('Of a volume: the folder in it that is mounted.')),
    'no_copy': flag(_('Of a volume: whether it stays empty, though the image has files at the target.'), False),
    'volume_driver': text(_('Of a volume that the mount makes: its driver.')),
    'volume_options': mapping(_('Of a volume that the mount makes: options of the driver.')),
    'volume_labels': mapping(_('Of a volume that the mount makes: its labels.')),
    'size': whole(_('Of a tmpfs: bytes that it grows to.'), 1),
    'mode': text(_('Of a tmpfs: permissions in octal, for example 1777.'), constraints=like('[0-7]{1,5}')),
    'options': texts(_('Of a tmpfs: further options of mount(8), for example exec.')),
    'propagation': text(_('Of a bind: how later mounts below it spread.'), constraints=one_of(
        'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave')),
    'create_source': flag(_('Of a bind: whether a missing folder is made.'), False),
    'non_recursive': flag(_('Of a bind: whether what is mounted below the source stays away.'), False),
    'read_only_non_recursive': flag(_('Of a read-only bind: whether what is mounted below it is not.'), False),
}
STORAGE = {
    'mounts': records(_('What is mounted.'), MOUNT_FIELDS),
    'anonymous_volumes': texts(_('Paths that get a new volume each, which goes with the container.'), item=_PATH),
    'volumes_from': texts(_('Containers whose volumes are mounted here too, as CONTAINER[:ro].')),
    'read_only': flag(_('Whether the root file system cannot be written to.'), False),
    'files': records(_('Text files, written before the container starts, and again when they change. Folders are '
                       'made.'), {
        'path': text(_('The absolute path.'), required=True, constraints=_PATH),
        'content': text(_('The text.'), required=True),
        'mode': text(_('Permissions in octal.'), default='0644', constraints=like('[0-7]{3,4}')),
        'uid': whole(_('The number of the owner.'), 0, (1 << 32) - 2, default=0),
        'gid': whole(_('The number of the group.'), 0, (1 << 32) - 2, default=0),
    }, update_allowed=True, constraints=[constraints.Length(max=100)]),
}
