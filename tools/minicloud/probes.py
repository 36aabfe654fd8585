# SPDX-License-Identifier: Apache-2.0
"""Real readiness: the service does its work, not merely runs.

A probe takes the instance and returns whether its service serves. An error a
starting service may cause counts as no.
"""

import collections.abc
import contextlib
import datetime
import functools
import http.client
import socket

import amqp
import pymysql
import requests

from tools.minicloud import api
from tools.minicloud import errors
from tools.minicloud import instance

Probe = collections.abc.Callable[[instance.Instance], bool]
_NOT_YET = (OSError, errors.MinicloudError, pymysql.Error, amqp.AMQPError,
            requests.RequestException, http.client.HTTPException)


def _patient(probe: Probe) -> Probe:
    @functools.wraps(probe)
    def wrapped(cloud: instance.Instance) -> bool:
        try:
            return probe(cloud)
        except _NOT_YET:
            return False
    return wrapped


def lives(_: instance.Instance) -> bool:
    """Ready at once: the service offers nothing to ask."""
    return True


def listens(port_name: str) -> Probe:
    """Ready when the port accepts connections."""
    def probe(cloud: instance.Instance) -> bool:
        with socket.create_connection(
                ('127.0.0.1', cloud.ports.port(port_name)), 1):
            return True
    return _patient(probe)


def answers(port_name: str, path: str = '/') -> Probe:
    """Ready when HTTP is answered with anything but a server error."""
    def probe(cloud: instance.Instance) -> bool:
        return requests.get(cloud.url(port_name, path), timeout=5,
                            allow_redirects=False).status_code < 500
    return _patient(probe)


def consumes(queue: str) -> Probe:
    """Ready when somebody consumes the queue; `{host}` is filled in."""
    def probe(cloud: instance.Instance) -> bool:
        with contextlib.closing(_broker(cloud)) as connection:
            channel = connection.channel()
            return channel.queue_declare(
                queue.format(host=cloud.host), passive=True).consumer_count > 0
    return _patient(probe)


def agent_alive(binary: str) -> Probe:
    """Ready when neutron heard the agent after this run began."""
    def probe(cloud: instance.Instance) -> bool:
        agents = _admin(cloud).get(
            'neutron', f'/v2.0/agents?binary={binary}')['agents']
        return any(agent['alive'] and _is_fresh(cloud, agent['started_at'])
                   for agent in agents)
    return _patient(probe)


@_patient
def hypervisor_visible(cloud: instance.Instance) -> bool:
    """Ready when nova-compute is up in this run and in a cell."""
    admin = _admin(cloud)
    services = admin.get(
        'nova-api', '/v2.1/os-services?binary=nova-compute')['services']
    return (any(service['state'] == 'up'
                and _is_fresh(cloud, service['updated_at'])
                for service in services)
            and bool(admin.get('nova-api', '/v2.1/os-hypervisors')
                     ['hypervisors']))


@_patient
def database_answers(cloud: instance.Instance) -> bool:
    """Ready when MariaDB runs a query."""
    with contextlib.closing(pymysql.connect(
            user='root', unix_socket=str(cloud.path('run', 'mysql.sock')))):
        return True


@_patient
def broker_answers(cloud: instance.Instance) -> bool:
    """Ready when RabbitMQ lets our user in."""
    _broker(cloud).close()
    return True


def unix_answers(path: str, *place: str) -> Probe:
    """Ready when HTTP on a unix socket of the folder is answered with 200."""
    def probe(cloud: instance.Instance) -> bool:
        connection = UnixConnection(str(cloud.path(*place)))
        connection.request('GET', path)
        return connection.getresponse().status == 200
    return _patient(probe)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: float = 10) -> None:
        super().__init__('localhost', timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of to a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _broker(cloud: instance.Instance) -> amqp.Connection:
    connection = amqp.Connection(
        f'127.0.0.1:{cloud.ports.port("rabbitmq")}', userid='openstack',
        password=cloud.secret('rabbitmq'), connect_timeout=2)
    connection.connect()
    return connection


_admins: dict[str, api.Api] = {}


def _admin(cloud: instance.Instance) -> api.Api:
    return _admins.setdefault(str(cloud.home),
                              api.Api(cloud, 'admin', 'admin'))


def _is_fresh(cloud: instance.Instance, moment: str | None) -> bool:
    if not moment:
        return False
    heard = datetime.datetime.fromisoformat(moment.replace('Z', ''))
    began = cloud.path('run', 'began').stat().st_mtime
    return heard.replace(tzinfo=datetime.UTC).timestamp() >= int(began)
