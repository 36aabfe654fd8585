# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ from Debian with an epmd, a cookie and ports of its own."""

import shutil

from tools.minicloud import instance
from tools.minicloud import probes
from tools.minicloud import service

_SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'   # not the one that su's


def broker(cloud: instance.Instance) -> service.Service:
    """A broker, and the epmd it needs, on loopback ports of its own."""
    port = cloud.ports.port
    base = cloud.path('data', 'rabbitmq')
    env = {
        'RABBITMQ_NODENAME': f'minicloud{cloud.id}@localhost',
        'RABBITMQ_BASE': str(base), 'HOME': str(base),
        'RABBITMQ_CONFIG_FILE': str(base / 'rabbitmq.conf'),
        'RABBITMQ_CONF_ENV_FILE': str(base / 'none'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(base / 'enabled_plugins'),
        'RABBITMQ_MNESIA_BASE': str(base / 'mnesia'),
        'RABBITMQ_LOG_BASE': str(base / 'log'), 'RABBITMQ_LOGS': '-',
        'RABBITMQ_PID_FILE': str(base / 'pid'),
        'RABBITMQ_DIST_PORT': str(port('rabbitmq-dist')),
        'ERL_EPMD_PORT': str(port('epmd')), 'ERL_EPMD_ADDRESS': '127.0.0.1',
        'RABBITMQ_ALLOW_INPUT': '1',   # the VM replaces the script
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '-noinput -kernel inet_dist_use_interface {127,0,0,1} '
            '+S 2:2 +sbwt none'}
    return service.Service('rabbitmq', service.Command((_SERVER,), env),
                           probes.broker_answers, port_name='rabbitmq')


def prepare(cloud: instance.Instance) -> None:
    """Write the broker's files; its old queues are dropped."""
    base = cloud.path('data', 'rabbitmq')
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(mode=0o700, parents=True)
    (base / 'enabled_plugins').write_text('[].\n')
    (base / 'rabbitmq.conf').write_text(
        f'listeners.tcp.default = 127.0.0.1:{cloud.ports.port("rabbitmq")}\n'
        'default_user = openstack\n'
        f'default_pass = {cloud.secret("rabbitmq")}\n'
        'default_user_tags.administrator = true\n'
        'loopback_users = none\n'
        'log.console = true\nlog.console.level = warning\nlog.file = false\n'
        'disk_free_limit.absolute = 100MB\n'
        'vm_memory_high_watermark.absolute = 1GB\n')
