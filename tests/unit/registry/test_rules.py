# SPDX-License-Identifier: Apache-2.0
"""The rules of the client of registries that need no registry."""

import ipaddress

import pytest

from nova_container import errors
from nova_container.registry import RegistrySettings, address, answers, challenge, choice, place
from nova_container.registry.address import Reach


@pytest.mark.parametrize(('text', 'reach'), [
    ('127.0.0.1', Reach.LOOPBACK), ('::1', Reach.LOOPBACK), ('::ffff:127.0.0.1', Reach.LOOPBACK),
    ('169.254.169.254', Reach.LINK), ('fe80::1', Reach.LINK), ('10.0.0.1', Reach.PRIVATE), ('fd00::1', Reach.PRIVATE),
    ('100.64.0.1', Reach.PRIVATE), ('192.0.2.1', Reach.PRIVATE), ('0.0.0.0', Reach.NOWHERE), ('::', Reach.NOWHERE),
    ('224.0.0.1', Reach.NOWHERE), ('8.8.8.8', Reach.GLOBAL), ('2002:7f00:1::', Reach.LOOPBACK),
])
def test_addresses_are_told_apart(text, reach):
    assert address.reach(ipaddress.ip_address(text)) is reach


@pytest.mark.parametrize('host', ['2130706433', '0x7f000001', '127.1', '127.0.0.1'])
def test_every_spelling_of_loopback_is_loopback(host):
    with pytest.raises(errors.Denied, match='loopback'):
        address.allowed(host, 80, {Reach.GLOBAL, Reach.PRIVATE})


@pytest.mark.parametrize(('header', 'expected'), [
    ('Bearer realm="https://a/token",service="s",scope="repository:x:pull,push"',
     [('bearer', {'realm': 'https://a/token', 'service': 's', 'scope': 'repository:x:pull,push'})]),
    ('Basic realm="x"', [('basic', {'realm': 'x'})]),
    ('Basic realm="a, b", Bearer realm=c', [('basic', {'realm': 'a, b'}), ('bearer', {'realm': 'c'})]),
    ('Bearer realm="a\\"b"', [('bearer', {'realm': 'a"b'})]), ('', []), ('"', []), ('x' * 100_000, []),
])
def test_challenges_are_read(header, expected):
    assert [(one.scheme, dict(one.parameters)) for one in challenge.parse(header)] == expected


@pytest.mark.parametrize(('status', 'kind'), [
    (401, errors.Denied), (403, errors.Denied), (404, errors.ImageNotFound), (429, errors.Unavailable),
    (400, errors.InvalidRequest), (500, errors.Unavailable), (503, errors.Unavailable)])
def test_refusals_are_classed(status, kind):
    body = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
    error = answers.refusal(status, body, 'manifest for a:1')
    assert type(error) is kind
    assert 'manifest unknown' in str(error)
    for rubbish in (b'', b'<html>', b'[]', b'{"errors": 5}', b'{"errors": [5]}'):
        assert type(answers.refusal(status, rubbish, 'x')) is kind


def test_a_registry_on_loopback_may_speak_plain_http_and_others_may_not(tmp_path):
    settings = RegistrySettings(certificates=(tmp_path,), insecure=('10.0.0.0/8', '192.0.2.7:5000'))

    def schemes(domain):
        return [one.scheme for one in place.of(domain, settings)]

    assert schemes('127.0.0.1:5000') == ['https', 'http']
    assert schemes('10.1.2.3:5000') == ['https', 'http']
    assert schemes('192.0.2.7:5000') == ['https', 'http']
    assert schemes('192.0.2.7:5001') == ['https']
    (tmp_path / '127.0.0.1:5000').mkdir()
    assert schemes('127.0.0.1:5000') == ['https']


def test_places_have_urls(tmp_path):
    settings = RegistrySettings(certificates=(tmp_path,), mirrors=('http://127.0.0.1:5000', 'https://192.0.2.1'))
    assert [one.url for one in place.mirrors(settings)] == ['http://127.0.0.1:5000', 'https://192.0.2.1']
    with pytest.raises(errors.InvalidRequest):
        place.mirrors(RegistrySettings(mirrors=('ftp://x',)))
    assert place.of('[::1]:5000', settings)[1].url == 'http://[::1]:5000'


@pytest.mark.parametrize(('text', 'shown'), [
    ('linux/amd64', 'linux/amd64'), ('linux/arm64/v8', 'linux/arm64/v8'), ('arm64', 'linux/arm64'),
    ('linux/x86_64', 'linux/amd64'), ('linux/aarch64', 'linux/arm64')])
def test_platforms_are_read(text, shown):
    assert str(choice.Platform.parse(text)) == shown
    assert choice.Platform.parse(text).is_asked
    assert not choice.Platform.parse('').is_asked
    with pytest.raises(errors.Unsupported):
        choice.Platform.parse('windows/amd64')
