# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of DockerInc::Docker::Container, as the plug-in of 2014 had them (contrib/heat_docker)."""

from heat.common.i18n import _
from heat.engine import attributes

from heat_container.schema.kinds import custom, flag, like, live, mapping, one_of, record, records, text, texts, whole

CAPABILITIES = (
    'SETPCAP', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME',
    'SYS_TTY_CONFIG', 'MKNOD', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'MAC_OVERRIDE', 'MAC_ADMIN', 'NET_ADMIN', 'SYSLOG',
    'CHOWN', 'NET_RAW', 'DAC_OVERRIDE', 'FOWNER', 'DAC_READ_SEARCH', 'FSETID', 'KILL', 'SETGID', 'SETUID',
    'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'IPC_LOCK', 'IPC_OWNER', 'SYS_CHROOT', 'SYS_PTRACE',
    'SYS_BOOT', 'LEASE', 'SETFCAP', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'ALL')
ENDPOINT = 'docker_endpoint'

PROPERTIES = {
    ENDPOINT: text(_('The engine: a name or URL that the operator offers, or an OS::Docker::Endpoint. Without it, the '
                     'default of the operator, if there is one.'), constraints=custom('docker.endpoint')),
    'hostname': text(_('The host name inside.'), default=''),
    'user': text(_('The user, by name or number.'), default=''),
    'memory': whole(_('Bytes of memory; 0 is no limit.'), 0),
    'port_specs': texts(_('Ports that the process listens at: [[IP:]HOST:]PORT[/PROTOCOL].')),
    'port_bindings': mapping(_('Ports of the container to ports of the host, or to lists of them.')),
    'privileged': flag(_('Whether it has all privileges of the host.'), False),
    'tty': flag(_('Whether the process gets a terminal.'), False),
    'open_stdin': flag(_('Whether standard input stays open.'), False),
    'stdin_once': flag(_('Whether standard input ends when the first client detaches.'), False),
    'env': texts(_('Variables as NAME=VALUE.')),
    'cmd': texts(_('The command.'), default=[]),
    'dns': texts(_('Addresses of name servers.')),
    'image': text(_('The image.')),
    'volumes': mapping(_('Folders of the host, or volumes, to paths inside, or to {bind: PATH, ro: BOOLEAN}.'),
                       default={}),
    'volumes_from': texts(_('Containers whose volumes are mounted here too.')),
    'links': mapping(_('Other containers to the names by which this one knows them.')),
    'name': text(_('The name.')),
    'restart_policy': record(_('What the engine does when the process ended.'), {
        'Name': text(_('no, on-failure or always.'), default='no', constraints=one_of('no', 'on-failure', 'always')),
        'MaximumRetryCount': whole(_('How often on-failure tries; 0 is without end.'), 0, default=0)}, default={}),
    'cap_add': texts(_('Capabilities beside the usual ones.'), item=one_of(*CAPABILITIES)),
    'cap_drop': texts(_('Capabilities to do without.'), item=one_of(*CAPABILITIES)),
    'read_only': flag(_('Whether the root file system cannot be written to.'), False),
    'cpu_shares': whole(_('The weight against other containers when CPU is short; 0 is the usual one.'), 0, default=0),
    'devices': records(_('Device nodes of the host; a privileged container has all.'), {
        'path_on_host': text(_('The device node on the host.'), required=True,
                             constraints=like('/dev/[/_\\-a-zA-Z0-9]+')),
        'path_in_container': text(_('Where it is inside. By default at the same path.'),
                                  constraints=like('/dev/[/_\\-a-zA-Z0-9]+')),
        'permissions': text(_('What may be done with it: r, w and m.'), default='rwm', constraints=one_of(
            'r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm'))}),
    'cpu_set': text(_('CPUs that may be used, for example 0-2,4.')),
}
ATTRIBUTES = {
    'info': live(_('The container as the Docker Engine API shows it.'), attributes.Schema.MAP),
    'network_info': live(_('The part of it about networks.'), attributes.Schema.MAP),
    'network_ip': live(_('The address in the first network.'), attributes.Schema.STRING),
    'network_gateway': live(_('The gateway of that network.'), attributes.Schema.STRING),
    'network_tcp_ports': live(_('TCP ports of the host that lead to it, with commas.'), attributes.Schema.STRING),
    'network_udp_ports': live(_('UDP ports of the host that lead to it, with commas.'), attributes.Schema.STRING),
    'logs': live(_('The end of its output.'), attributes.Schema.STRING),
    'logs_head': live(_('The first line of its output.'), attributes.Schema.STRING),
    'logs_tail': live(_('The last line of its output.'), attributes.Schema.STRING),
}
