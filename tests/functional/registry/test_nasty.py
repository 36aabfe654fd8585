# SPDX-License-Identifier: Apache-2.0
"""A registry that lies, stalls, breaks off and points elsewhere (reference/quality.md B.7, 23 to 36)."""

import base64
import json
import socket
import threading
import time

import pytest

from nova_container import errors
from nova_container.engine import Credentials
from nova_container.registry import address
from tests.fixtures.nasty_registry import answer, break_off, nasty_registry, redirect, stall
from tests.functional.registry.conftest import opened

pytestmark = pytest.mark.root
ALICE = Credentials(username='alice', password='secret')


@pytest.fixture(scope='module')
def engine():
    with opened(idle_s=0.5) as (made, _):
        yield made


@pytest.fixture
def nasty(engine):
    with nasty_registry() as made:
        yield made
    engine.remove_image(made.config)


def pull(engine, name, **options):
    return list(engine.pull(name, **options))[-1].result


def downloads(nasty):
    return [headers.get('Range', '') for _, path, headers in nasty.asked if path == nasty.blob_path]


def test_a_layer_that_breaks_off_is_taken_up_where_it_did(engine, nasty):
    nasty.behave[nasty.blob_path] = break_off(nasty.blobs[nasty.layer], times=3, after=200_000)
    assert pull(engine, nasty.name) == nasty.config
    assert downloads(nasty) == ['', 'bytes=200000-', 'bytes=400000-', 'bytes=600000-']


def test_a_layer_that_never_comes_whole_is_given_up(engine, nasty):
    nasty.behave[nasty.blob_path] = break_off(nasty.blobs[nasty.layer], times=100, after=0)
    with pytest.raises(errors.Unavailable):
        pull(engine, nasty.name)
    assert len(downloads(nasty)) == 5


def test_a_registry_that_stalls_is_unavailable(engine, nasty):
    nasty.behave[nasty.blob_path] = stall(nasty.blobs[nasty.layer], 2)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable):
        pull(engine, nasty.name)
    assert time.monotonic() - began < 8


def test_who_no_longer_waits_for_a_stalled_layer_is_let_go_at_once():
    with opened(idle_s=30.0) as (engine, _), nasty_registry() as nasty:
        nasty.behave[nasty.blob_path] = stall(nasty.blobs[nasty.layer], 3)
        pulling = engine.pull(nasty.name)
        while next(pulling).status != 'Downloading':
            pass
        began = time.monotonic()
        pulling.close()
        assert time.monotonic() - began < 1.5


def test_other_bytes_than_promised_are_refused(engine, nasty):
    good = nasty.blobs[nasty.layer]
    nasty.blobs[nasty.layer] = b'y' + good[1:]
    with pytest.raises(errors.DigestMismatch):
        pull(engine, nasty.name)
    nasty.blobs[nasty.layer] = good + b'more'
    with pytest.raises(errors.Corrupt, match='longer'):
        pull(engine, nasty.name)
    nasty.blobs[nasty.layer] = good
    nasty.blobs[nasty.config] += b' '
    with pytest.raises(errors.DigestMismatch):
        pull(engine, nasty.name)


def test_another_manifest_than_the_digest_says_is_refused(engine, nasty):
    with pytest.raises(errors.DigestMismatch):
        pull(engine, f'{nasty.place}/one@sha256:{"0" * 64}')


@pytest.mark.parametrize('digest', ['sha256:../../../x', 'md5:' + '0' * 32, 'sha256:' + 'A' * 64, 'sha256:' + '0' * 63])
def test_a_malformed_digest_is_never_asked_for(engine, nasty, digest):
    nasty.set_manifest(digest=digest)
    with pytest.raises(errors.InvalidRequest):
        pull(engine, nasty.name)
    assert all('blobs' not in path for _, path, _ in nasty.asked)


def test_a_manifest_that_is_too_large_is_not_read(engine, nasty):
    nasty.manifest = b' ' * (5 << 20)
    with pytest.raises(errors.UnacceptableImage):
        pull(engine, nasty.name)


def test_urls_of_foreign_layers_are_not_followed(engine, nasty):
    with socket.create_server(('127.0.0.1', 0)) as other:
        nasty.set_manifest(urls=[f'http://127.0.0.1:{other.getsockname()[1]}/layer'],
                           mediaType='application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')
        nasty.behave[nasty.blob_path] = lambda handler: answer(handler, 404, b'{}') or True
        other.settimeout(0.2)
        with pytest.raises(errors.NotFound):
            pull(engine, nasty.name)
        with pytest.raises(TimeoutError):
            other.accept()


@pytest.mark.parametrize('host', ['127.0.0.1', '2130706433', '0x7f000001', '[::ffff:127.0.0.1]', 'localhost', '[::1]',
                                  '10.0.0.1', '169.254.169.254', '192.168.1.1', '[fe80::1]', '0.0.0.0'])
def test_a_global_registry_sends_us_nowhere_inside(host):
    """The registries of these tests are on loopback, so what a global one may do is asked of the rule itself."""
    with pytest.raises((errors.Denied, errors.Unavailable)):
        address.allowed(host.strip('[]'), 80, {address.Reach.GLOBAL})


def test_a_registry_on_loopback_sends_us_to_loopback_only(engine, nasty):
    for url in ('http://169.254.169.254/latest/meta-data', 'http://10.1.2.3/', 'ftp://127.0.0.1/x', 'http://0.0.0.0/'):
        nasty.behave[nasty.blob_path] = redirect(url)
        with pytest.raises(errors.Denied):
            pull(engine, nasty.name)
    with nasty_registry() as storage:
        nasty.behave[nasty.blob_path] = redirect(f'http://2130706433:{storage.place.partition(":")[2]}{nasty.blob_path}')
        assert pull(engine, nasty.name) == nasty.config
        assert [path for _, path, _ in storage.asked] == [nasty.blob_path]


def test_a_circle_of_redirects_ends(engine, nasty):
    nasty.behave[nasty.blob_path] = redirect(nasty.blob_path)
    with pytest.raises(errors.Unavailable, match='circle'):
        pull(engine, nasty.name)


def asks_for(header):
    def act(handler):
        if handler.headers.get('Authorization'):
            return False
        answer(handler, 401, b'{"errors": [{"code": "UNAUTHORIZED"}]}', {'WWW-Authenticate': header})
        return True

    return act


def test_a_password_is_not_sent_where_a_redirect_leads(engine, nasty):
    with nasty_registry() as storage:
        for path in (nasty.blob_path, '/v2/one/manifests/1'):
            nasty.behave[path] = asks_for('Basic realm="x"')
        seen = nasty.behave[nasty.blob_path]
        away = redirect(f'http://localhost:{storage.place.partition(":")[2]}{nasty.blob_path}')
        nasty.behave[nasty.blob_path] = lambda handler: seen(handler) or away(handler)
        assert pull(engine, nasty.name, credentials=ALICE) == nasty.config
        assert [headers.get('Authorization') for _, _, headers in storage.asked] == [None]


def give_token(handler):
    answer(handler, 200, json.dumps({'token': 'tok'}).encode())
    return True


def test_a_token_is_asked_for_with_the_password_at_the_registry_s_own_host(engine, nasty):
    nasty.behave['/v2/one/manifests/1'] = asks_for(f'Bearer realm="http://{nasty.place}/token",service="s"')
    nasty.behave['/token'] = give_token
    assert pull(engine, nasty.name, credentials=ALICE) == nasty.config
    [(path, headers)] = [(path, headers) for _, path, headers in nasty.asked if path.startswith('/token')]
    assert 'scope=repository%3Aone%3Apull' in path
    assert headers['Authorization'] == 'Basic ' + base64.b64encode(b'alice:secret').decode()
    assert 'Bearer tok' in {headers.get('Authorization') for _, _, headers in nasty.asked}


def test_another_host_gets_no_password_even_if_the_registry_says_so(engine, nasty):
    with nasty_registry() as thief:
        realm = f'http://localhost:{thief.place.partition(":")[2]}/token'
        nasty.behave['/v2/one/manifests/1'] = asks_for(f'Bearer realm="{realm}",service="s"')
        thief.behave['/token'] = lambda handler: answer(handler, 401, b'{}') or True
        with pytest.raises(errors.Denied, match='credentials were not sent to localhost'):
            pull(engine, nasty.name, credentials=ALICE)
        assert [headers.get('Authorization') for _, _, headers in thief.asked] == [None]


def test_a_token_server_inside_is_not_asked(engine, nasty):
    nasty.behave['/v2/one/manifests/1'] = asks_for('Bearer realm="http://169.254.169.254/token"')
    with pytest.raises(errors.Denied):
        pull(engine, nasty.name)


def test_a_registry_that_asks_for_more_for_ever_is_refused(engine, nasty):
    nasty.behave['/v2/one/manifests/1'] = lambda handler: answer(
        handler, 401, b'{}', {'WWW-Authenticate': f'Bearer realm="http://{nasty.place}/token"'}) or True
    nasty.behave['/token'] = give_token
    with pytest.raises(errors.Denied):
        pull(engine, nasty.name)
    assert len(nasty.asked) < 10


def test_images_may_be_removed_while_a_pull_stalls(engine, nasty):
    nasty.behave[nasty.blob_path] = stall(nasty.blobs[nasty.layer], 1)
    thread = threading.Thread(target=lambda: pytest.raises(errors.Unavailable, pull, engine, nasty.name))
    thread.start()
    began = time.monotonic()
    engine.prune_images()
    assert time.monotonic() - began < 1
    thread.join()
