# SPDX-License-Identifier: Apache-2.0
"""The table of nftables that follows from networks and ports."""

import shutil
import subprocess

import pytest

from nova_container.engine.network import Port
from nova_container.runtime.networks import rules

BLUE = rules.BridgeRules(bridge='nc-blue', subnets=('172.18.0.0/16', 'fd00:1::/64'))
SHUT = rules.BridgeRules(bridge='nc-shut', subnets=('172.19.0.0/16',), internal=True)
APART = rules.BridgeRules(bridge='nc-apart', subnets=('172.20.0.0/16',), masquerade=False, between_containers=False)


def chains(text):
    """The lines of each chain."""
    found, lines = {}, []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ['chain']:
            lines = found[words[1]] = []
        elif words != ['}']:
            lines.append(line.strip())
    return found


def test_ports_are_sent_to_their_containers():
    ports = [rules.PortRule(port=Port(container_port=80, host_port=8080, host_ip='0.0.0.0'), address='172.18.0.2'),
             rules.PortRule(port=Port(container_port=53, protocol='udp', host_port=53, host_ip='10.0.0.1'),
                            address='172.18.0.3'),
             rules.PortRule(port=Port(container_port=80, host_port=8080), address='fd00:1::2')]
    assert chains(rules.table([BLUE], ports))['published'] == [
        'meta nfproto ipv4 tcp dport 8080 dnat ip to 172.18.0.2:80',
        'ip daddr 10.0.0.1 udp dport 53 dnat ip to 172.18.0.3:53',
        'ip6 daddr != ::1 tcp dport 8080 dnat ip6 to [fd00:1::2]:80']


def test_who_leaves_looks_like_the_host_unless_it_may_not_leave_or_shall_not():
    lines = chains(rules.table([BLUE, SHUT, APART], ()))['postrouting']
    assert 'oifname != "nc-blue" ip saddr 172.18.0.0/16 masquerade' in lines
    assert 'oifname != "nc-blue" ip6 saddr fd00:1::/64 masquerade' in lines
    assert not [line for line in lines if line.startswith(('oifname != "nc-shut"', 'oifname != "nc-apart"'))]


def test_what_comes_in_is_dropped_at_last():
    lines = chains(rules.table([BLUE, SHUT, APART], ()))['forward']
    everything = '{ "nc-blue", "nc-shut", "nc-apart" }'
    assert lines[-1] == f'oifname {everything} drop'
    assert lines[-2] == f'oifname {everything} ct status dnat accept'
    inner = [lines.index(line) for line in ('iifname { "nc-shut" } drop', 'oifname { "nc-shut" } drop')]
    assert max(inner) < len(lines) - 2
    assert 'iifname "nc-apart" oifname "nc-apart" drop' in lines
    assert 'iifname "nc-blue" oifname "nc-blue" accept' in lines
    assert lines.index('iifname "nc-shut" oifname "nc-shut" accept') < min(inner)


def test_loopback_is_guarded():
    assert chains(rules.table([BLUE, SHUT], ()))['guard'][1:] == [
        'iifname { "nc-blue", "nc-shut" } ip daddr 127.0.0.0/8 drop']


@pytest.mark.skipif(shutil.which('nft', path='/usr/sbin:/sbin:/usr/bin') is None, reason='nft is not installed')
def test_nft_understands_it():
    ports = [rules.PortRule(port=Port(container_port=80, protocol=protocol, host_port=8080), address=address)
             for protocol in ('tcp', 'udp', 'sctp') for address in ('172.18.0.2', 'fd00:1::2')]
    text = f'table inet nova-container-unit {{\n{rules.table([BLUE, SHUT, APART], ports)}}}\n'
    done = subprocess.run([shutil.which('nft', path='/usr/sbin:/sbin:/usr/bin'), '-c', '-f', '-'], input=text,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 or 'Operation not permitted' in done.stderr, done.stderr
