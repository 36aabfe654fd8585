# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Service, OS::Docker::Secret and OS::Docker::Config."""

from collections.abc import Mapping

from heat.common.i18n import _
from heat.engine import constraints
from heat.engine.attributes import Schema as Attribute
from heat.engine.properties import Schema

from heat_container import credentials
from heat_container.schema.container.limits import LIMITS
from heat_container.schema.container.network import ENDPOINT_FIELDS, NETWORK
from heat_container.schema.container.process import HEALTH, IMAGE, PROCESS
from heat_container.schema.container.security import SECURITY
from heat_container.schema.container.storage import MOUNT_FIELDS
from heat_container.schema.kinds import flag, like, live, mapping, number, one_of, record, records, text, texts, whole

MODES = ('replicated', 'global', 'replicated_job', 'global_job')
_NAME = like('[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}')
_REFERENCE = {
    'target': text(_('The path of the file, below /run/secrets or / if it is relative.'), required=True),
    'uid': whole(_('The number of the owner.'), 0, default=0),
    'gid': whole(_('The number of the group.'), 0, default=0),
    'mode': text(_('Permissions in octal.'), default='0444', constraints=like('[0-7]{3,4}')),
}
_UPDATE = {
    'parallelism': whole(_('Tasks that change at once; 0 is all.'), 0),
    'delay': number(_('Seconds between two of them.'), 0),
    'failure_action': text(_('What happens if one fails: pause, continue, or, of an update, rollback.'),
                           constraints=one_of('pause', 'continue', 'rollback')),
    'monitor': number(_('Seconds after which one has not failed.'), 0),
    'max_failure_ratio': number(_('The part of the tasks that may fail, 0 to 1.'), 0, 1),
    'order': text(_('stop-first or start-first.'), constraints=one_of('stop-first', 'start-first')),
}


def _changing(**schemas: Schema) -> dict[str, Schema]:
    """Everything of a service changes while it runs."""
    return {name: Schema(schema.type, schema.description, schema=schema.schema, required=schema.required,
                         default=schema.default, constraints=schema.constraints, update_allowed=True)
            for name, schema in schemas.items()}


_PROCESS = ('entrypoint', 'command', 'environment', 'secret_environment', 'working_dir', 'user', 'tty', 'open_stdin',
            'stop_signal', 'stop_timeout', 'init', 'hostname', 'labels')
SERVICE: Mapping[str, Schema] = {
    'name': text(_('The name in the swarm. By default made of those of stack and resource.'), constraints=_NAME),
    'mode': text(_('replicated, global (one task on each node), or as jobs, which end, replicated_job or global_job.'),
                 default='replicated', constraints=one_of(*MODES)),
    **_changing(
        replicas=whole(_('Tasks of a replicated service; of a job, those at once.'), 0, default=1),
        total_completions=whole(_('Tasks of a replicated_job that are to end well. By default replicas.'), 0),
        image=IMAGE['image'], registry_credentials=credentials.SCHEMA, **HEALTH,
        **{name: PROCESS[name] for name in _PROCESS},
        container_labels=mapping(_('Labels of the containers of its tasks.')),
        mounts=records(_('What is mounted.'), dict(MOUNT_FIELDS)),
        **{name: NETWORK[name] for name in ('dns', 'dns_search', 'dns_options', 'extra_hosts')},
        **{name: SECURITY[name] for name in ('cap_add', 'cap_drop', 'sysctls', 'group_add')},
        ulimits=LIMITS['ulimits'], read_only=flag(_('Whether the root file system cannot be written to.'), False),
        **{name: LIMITS[name] for name in ('cpus', 'memory', 'pids_limit', 'memory_reservation')},
        cpu_reservation=number(_('CPUs that a node must have left for a task.'), 0),
        generic_reservations=records(_('Further things that a node must have left.'), {
            'kind': text(_('What.'), required=True), 'value': whole(_('How many.'), 0, required=True)}),
        secrets=records(_('Secrets, as files in memory.'), {
            'secret': text(_('An OS::Docker::Secret.'), required=True), **_REFERENCE}),
        configs=records(_('Configs, as files.'), {
            'config': text(_('An OS::Docker::Config.'), required=True), **_REFERENCE}),
        restart_policy=record(_('What happens when a task ended.'), {
            'condition': text(_('none, on-failure or any.'), default='any', constraints=one_of(
                'none', 'on-failure', 'any')),
            'delay': number(_('Seconds before it is started again.'), 0),
            'maximum_attempts': whole(_('How often; 0 is without end.'), 0),
            'window': number(_('Seconds in which the attempts count.'), 0)}),
        placement=record(_('On which nodes its tasks run.'), {
            'constraints': texts(_('Such as node.role==manager.')),
            'spread': texts(_('Labels of nodes over which tasks are spread, such as node.labels.rack.')),
            'maximum_per_node': whole(_('The most tasks of it on one node; 0 is any.'), 0),
            'platforms': records(_('Platforms that nodes must have.'), {
                'architecture': text(_('Such as x86_64.')), 'os': text(_('Such as linux.'))})}),
        networks=records(_('Overlay networks to be in.'), {
            name: ENDPOINT_FIELDS[name] for name in ('network', 'aliases', 'driver_options')}),
        endpoint_mode=text(_('Whether its name is a virtual address, vip, or that of all tasks, dnsrr.'),
                           constraints=one_of('vip', 'dnsrr')),
        ports=records(_('Ports that the swarm shows.'), {
            'target_port': whole(_('The port inside.'), 1, 65535, required=True),
            'published_port': whole(_('The port outside. By default any that is free.'), 1, 65535),
            'protocol': text(_('tcp, udp or sctp.'), default='tcp', constraints=one_of('tcp', 'udp', 'sctp')),
            'publish_mode': text(_('ingress, on every node, or host, on that of the task.'), default='ingress',
                                 constraints=one_of('ingress', 'host')),
            'name': text(_('A name for the port.'))}),
        log_driver=record(_('Where its output goes.'), {
            'name': text(_('The driver.'), required=True), 'options': mapping(_('Options of the driver.'))}),
        update_config=record(_('How tasks change at an update.'), dict(_UPDATE)),
        rollback_config=record(_('How tasks change back.'), dict(_UPDATE)),
        force_update=whole(_('Another number makes every task anew, though nothing else differs.'), 0, default=0),
        wait=flag(_('Whether it is complete only when its tasks run, or, of a job, ended well.'), True),
        log_lines=whole(_('The most lines of output that an attribute shows.'), 1, 10000, default=100)),
}
SERVICE_ATTRIBUTES = {
    'id': live(_('The id.'), Attribute.STRING), 'name': live(_('The name in the swarm.'), Attribute.STRING),
    'replicas_running': live(_('Tasks that run.'), Attribute.INTEGER),
    'tasks': live(_('Its tasks: id, slot, node, state, desired_state, container, error and exit_code.'),
                  Attribute.LIST),
    'ports': live(_('Ports that the swarm shows: target_port, published_port, protocol and publish_mode.'),
                  Attribute.LIST),
    'virtual_ips': live(_('Its address in each network, by the id of the network.'), Attribute.MAP),
    'update_status': live(_('Of the last update: state, message, started_at and completed_at.'), Attribute.MAP),
    'logs': live(_('The end of its output, log_lines lines of each task at most.'), Attribute.STRING),
}
_DATA_BYTES = 500 * 1024
_TEMPLATING = text(_('golang lets the engine fill in what a task knows.'), constraints=one_of('golang'))
_COMMON: Mapping[str, Schema] = {
    'name': text(_('How the name in the swarm begins; what makes it unique is added, as another text is another one.'),
                 constraints=like('[a-zA-Z0-9][a-zA-Z0-9_.-]{0,48}')),
    'labels': mapping(_('Labels.'), update_allowed=True), 'templating': _TEMPLATING,
}
SECRET: Mapping[str, Schema] = {
    **_COMMON,
    'data': text(_('The text, from a parameter with "hidden: true".'), constraints=[
        constraints.Length(min=1, max=_DATA_BYTES)]),
    'data_ref': text(_('Instead of data: a Barbican secret.'), constraints=[
        constraints.CustomConstraint('barbican.secret')]),
}
CONFIG: Mapping[str, Schema] = {
    **_COMMON, 'data': text(_('The text.'), required=True, constraints=[constraints.Length(min=1, max=_DATA_BYTES)])}
OBJECT_ATTRIBUTES = {
    'id': live(_('The id.'), Attribute.STRING), 'name': live(_('The name in the swarm.'), Attribute.STRING)}
