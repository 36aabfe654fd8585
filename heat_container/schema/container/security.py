# SPDX-License-Identifier: Apache-2.0
"""Properties of a container about what sets it apart from its host. Its endpoint's level says which are allowed."""

from heat.common.i18n import _

from heat_container.schema.kinds import flag, like, mapping, one_of, records, text, texts

_CAPABILITY = like('(CAP_)?[A-Z_]+')
_JOIN = 'host|container:.+'
DEVICE_FIELDS = {
    'path_on_host': text(_('The device node on the host.'), required=True, constraints=like('/dev/.+')),
    'path_in_container': text(_('Where it is inside. By default at the same path.'), constraints=like('/.*')),
    'permissions': text(_('What may be done with it: r, w, and m, to make its node.'), default='rwm',
                        constraints=like('[rwm]{1,3}')),
}
SECURITY = {
    'privileged': flag(_('Whether it has all privileges of the host.'), False),
    'cap_add': texts(_('Capabilities beside the usual ones, for example NET_ADMIN, or ALL.'), item=_CAPABILITY),
    'cap_drop': texts(_('Capabilities to do without, for example NET_RAW, or ALL.'), item=_CAPABILITY),
    'no_new_privileges': flag(_('Whether programs with set-user-ID and file capabilities give nothing.'), True),
    'seccomp_unconfined': flag(_('Whether no system call is filtered.'), False),
    'masked_paths': texts(_('Paths that cannot be seen, instead of those below /proc and /sys that usually cannot.')),
    'readonly_paths': texts(_('Paths that cannot be written to, instead of the usual ones.')),
    'group_add': texts(_('Further groups of the process, by name or number.')),
    'devices': records(_('Device nodes of the host.'), DEVICE_FIELDS),
    'device_cgroup_rules': texts(_('Devices that may be used by number, for example "c 42:* rmw".'),
                                 item=like('[abc] ([0-9]+|\\*):([0-9]+|\\*) [rwm]{1,3}')),
    'sysctls': mapping(_('Kernel parameters of its namespaces.')),
    'pid_mode': text(_('Whose processes it sees: host, or container:ID. By default its own.'), constraints=like(_JOIN)),
    'ipc_mode': text(_('Whose shared memory it uses: host, container:ID; shareable lets others join; none has none.'),
                     constraints=like(f'{_JOIN}|shareable|private|none')),
    'uts_mode': text(_('Whose host name it has: host. By default its own.'), constraints=one_of('host')),
    'userns_mode': text(_('Whose user ids it has: host. By default as the engine is set up.'),
                        constraints=one_of('host')),
    'cgroupns_mode': text(_('Whose control groups it sees: private or host.'), constraints=one_of('private', 'host')),
    'cgroup_parent': text(_('The control group that it is made in.')),
    'runtime': text(_('The OCI runtime, by the name it has in the engine.')),
    'annotations': mapping(_('Annotations for the OCI runtime.')),
}
