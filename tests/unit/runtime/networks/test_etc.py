# SPDX-License-Identifier: Apache-2.0
"""What a container reads of names."""

import pytest

from nova_container.engine.spec import ContainerSpec, NetworkSpec
from nova_container.runtime.networks import etc


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Write the host's resolv.conf."""
    path, behind = tmp_path / 'resolv.conf', tmp_path / 'behind'
    monkeypatch.setattr(etc, '_HOST_RESOLV', path)
    monkeypatch.setattr(etc, '_BEHIND_STUB', behind)

    def write(text, stub=None):
        path.write_text(text)
        if stub is not None:
            behind.write_text(stub)

    return write


def test_the_hosts_servers_are_shown_where_they_are_reached(host):
    host('nameserver 127.0.0.53\nnameserver 9.9.9.9 # ours\nsearch example.org\noptions edns0\n')
    assert etc.resolv_conf(NetworkSpec(), embedded=False) == (
        'search example.org\nnameserver 9.9.9.9\noptions edns0\n')


def test_behind_a_stub_are_those_it_asks(host):
    host('nameserver 127.0.0.53\n', stub='nameserver 9.9.9.9\n')
    assert etc.reachable_servers() == ('9.9.9.9',)


def test_our_resolver_keeps_search_and_options(host):
    host('search example.org\nnameserver 9.9.9.9\noptions edns0\n')
    assert etc.resolv_conf(NetworkSpec(dns=('1.1.1.1',)), embedded=True) == (
        'search example.org\nnameserver 127.0.0.11\noptions edns0 ndots:0\n')
    assert etc.resolv_conf(NetworkSpec(dns_search=('.',), dns_options=('ndots:2',)), embedded=True) == (
        'nameserver 127.0.0.11\noptions ndots:2\n')


def test_hosts_hold_the_container_its_links_and_what_was_asked_for():
    spec = ContainerSpec(name='n', image='i', domainname='example.org', network=NetworkSpec(
        extra_hosts=('a:10.0.0.1', 'b:[fd00::1]', 'gate:host-gateway')))
    lines = etc.hosts(spec, 'web', ['10.0.0.2', 'fd00::2'], {'db store': '10.0.0.3'}, '10.0.0.254').splitlines()
    assert lines[-6:] == ['10.0.0.2\tweb.example.org web', 'fd00::2\tweb.example.org web', '10.0.0.1\ta',
                          'fd00::1\tb', '10.0.0.254\tgate', '10.0.0.3\tdb store']
