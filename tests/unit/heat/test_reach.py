# SPDX-License-Identifier: Apache-2.0
"""Where tenants may make heat-engine connect to."""

import socket
import subprocess
import sys

import pytest
from oslo_config import cfg

from heat_container import endpoints, reach
from nova_container import errors


@pytest.mark.parametrize('address', [
    '127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::', '169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%lo',
    'fec0::1', '224.0.0.1', 'ff02::1', '255.255.255.255', '240.0.0.1', '100.100.100.200', '192.0.0.192',
    'fd00:ec2::254', 'fd00:a9fe:a9fe::254', '::ffff:127.0.0.1', '::ffff:169.254.169.254', '::7f00:1',
    '64:ff9b::a9fe:a9fe', '64:ff9b:1::a9fe:a9fe', '::ffff:0:127.0.0.1', '2002:7f00:1::', '2002:a9fe:a9fe::1',
    '168.63.129.16', '2001:0:4136:e378:8000:63bf:80ff:fffe'])
def test_loopback_links_metadata_and_what_is_no_host_are_denied(address):
    with pytest.raises(errors.Denied):
        reach.judge(address)


@pytest.mark.parametrize('address', ['203.0.114.7', '10.254.253.252', '172.31.254.253', '2a00:1450:4001::7'])
def test_hosts_of_projects_are_reached(address):
    reach.judge(address)


def test_addresses_of_this_host_are_denied():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('192.0.2.1', 9))
        except OSError:
            pytest.skip('this host has no address but loopback')
        own = probe.getsockname()[0]
    with pytest.raises(errors.Denied):
        reach.judge(own)


def test_networks_of_the_control_plane_are_denied():
    reach.judge('10.254.253.252')
    cfg.CONF.set_override('denied_networks', ['10.254.0.0/16', '2a00:1450::/32'], group='docker')
    try:
        for address in ('10.254.253.252', '2a00:1450::1', '::ffff:10.254.1.1'):
            with pytest.raises(errors.Denied):
                reach.judge(address)
    finally:
        cfg.CONF.clear_override('denied_networks', group='docker')


@pytest.mark.parametrize('host', ['127.1', '0x7f000001', '2130706433', 'localhost', '0177.0.0.1'])
def test_other_spellings_of_loopback_are_looked_up_and_denied(host):
    with pytest.raises(errors.Denied):
        endpoints.address_for_tenant(host, 2376)


def test_a_name_with_one_bad_address_is_denied(monkeypatch):
    def looked_up(host, port, **how):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, '', (address, port)) for address in answers]

    monkeypatch.setattr(socket, 'getaddrinfo', looked_up)
    answers = ['203.0.114.7']
    assert endpoints.address_for_tenant('engine.test', 2376) == '203.0.114.7'
    answers = ['203.0.114.7', '127.0.0.1']
    with pytest.raises(errors.Denied):
        endpoints.address_for_tenant('engine.test', 2376)


def test_a_name_that_nobody_knows_is_unavailable(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', unknown)
    with pytest.raises(errors.Unavailable, match='engine.test'):
        endpoints.address_for_tenant('engine.test', 2376)


@pytest.mark.parametrize('url', [
    'unix:///var/run/docker.sock', 'ssh://root@host', 'npipe:////./pipe/docker_engine', 'http://internal:2375',
    'http+unix://x', 'fd://', 'file:///etc/passwd', 'gopher://a:1', 'ftp://a', '/var/run/docker.sock', '', 'tcp://',
    'tcp://:2376', 'tcp://user:pass@host:2376', 'tcp://host:2376/path', 'tcp://host:2376?x=1', 'tcp://host:2376#x',
    'tcp://host:0', 'tcp://host:99999', 'tcp://host:abc', 'tcp://[::1', 'TCP//host'])
def test_other_urls_than_tcp_and_https_are_refused(url):
    with pytest.raises(errors.InvalidRequest):
        reach.check_url(url)


@pytest.mark.parametrize('url', ['tcp://engine.test:2376', 'https://engine.test', 'tcp://[2001:db8::7]:2376'])
def test_tcp_and_https_are_taken(url):
    reach.check_url(url)


def test_ids_of_hosts_are_those_of_nova():
    """In a process of its own: options of Nova and of Heat do not go together."""
    told = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c',
         'from nova import utils; print(utils.generate_hostid("compute", "project"))'],
        check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == reach.host_id('project', 'compute')
