# SPDX-License-Identifier: Apache-2.0
"""Images sent to the real docker-registry and fetched from it: passwords, certificates, platforms, dockerd."""

import hashlib
import json
import os
import shutil

import pytest
import urllib3

from nova_container import errors
from nova_container.docker.engine import DockerEngine
from nova_container.engine import Credentials
from tests.conformance.dockerd import running_dockerd
from tests.fixtures.registry import PASSWORD, make_certificates, running_registry
from tests.functional.registry.conftest import opened

pytestmark = pytest.mark.root
MIB = 1 << 20


def pull(engine, name, **options):
    return list(engine.pull(name, **options))[-1].result


def digest_of(content):
    return f'sha256:{hashlib.sha256(content).hexdigest()}'


def put(registry, path, content, media_type):
    """Put a manifest into a registry by hand."""
    answer = urllib3.request('PUT', f'http://{registry}/v2/{path}', body=content, headers={'Content-Type': media_type})
    assert answer.status == 201, answer.data


def test_only_what_is_missing_travels(engine, registry, load):
    load(f'{registry}/a/one:1', files={'/x': 'x' * MIB})
    first = [one.status for one in engine.push(f'{registry}/a/one:1')]
    again = [one.status for one in engine.push(f'{registry}/a/one:1')]
    assert first.count('Pushed') == 2
    assert again.count('Layer already exists') == 2
    engine.tag_image(f'{registry}/a/one:1', f'{registry}/b/two:1')
    assert [one.status for one in engine.push(f'{registry}/b/two:1')].count('Mounted from a/one') == 2
    load(f'{registry}/a/one:2', files={'/y': 'y'})
    assert sorted(one.status for one in engine.push(f'{registry}/a/one:2') if one.id)[0] == 'Layer already exists'


def test_only_what_is_missing_is_fetched(engine, registry, load):
    load(f'{registry}/c:1', files={'/x': 'x'})
    info = load(f'{registry}/c:2', files={'/y': os.urandom(3 * MIB)})
    for tag in ('1', '2'):
        list(engine.push(f'{registry}/c:{tag}'))
    engine.remove_image(info.id)
    told = list(engine.pull(f'{registry}/c:2'))
    assert [one.status for one in told].count('Already exists') == 1
    by_layer = [one.status for one in told if one.status in (
        'Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Pull complete')]
    assert by_layer == ['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Pull complete']
    assert any(one.current_bytes and one.total_bytes for one in told if one.status in ('Downloading', 'Extracting'))


def test_a_pulled_image_keeps_its_digest_wherever_it_is_pushed(engine, registry, load):
    load(f'{registry}/d:1', files={'/x': 'd'})
    first = list(engine.push(f'{registry}/d:1'))[-1].result
    engine.remove_image(f'{registry}/d:1')
    pull(engine, f'{registry}/d:1')
    engine.tag_image(f'{registry}/d:1', f'{registry}/e:1')
    assert list(engine.push(f'{registry}/e:1'))[-1].result == first


def test_a_plain_layer_that_the_repository_has_plain_is_not_sent_compressed(engine, registry, load):
    info = load(f'{registry}/plain:1', files={'/x': 'x' * MIB})
    for digest in info.diff_ids:
        with urllib3.request('POST', f'http://{registry}/v2/plain/blobs/uploads/', preload_content=False) as begun:
            place = begun.headers['Location']
        blob = b''.join(engine._parts.images.blobs.open(digest))
        answer = urllib3.request('PUT', f'{place}&digest={digest}', body=blob,
                                 headers={'Content-Type': 'application/octet-stream'})
        assert answer.status == 201
    told = list(engine.push(f'{registry}/plain:1'))
    assert [one.status for one in told].count('Layer already exists') == 2
    engine.remove_image(info.id, force=True)
    assert pull(engine, f'{registry}/plain:1') == info.id
    engine.tag_image(info.id, f'{registry}/elsewhere:1')
    assert list(engine.push(f'{registry}/elsewhere:1'))[-1].result == told[-1].result, 'its manifest stays true'


@pytest.mark.parametrize('kind', ['docker', 'oci'])
def test_a_list_of_manifests_gives_the_one_for_the_platform(engine, registry, load, kind):
    info = load(f'{registry}/multi:{kind}-one', files={'/x': kind})
    list(engine.push(f'{registry}/multi:{kind}-one'))
    one = engine.inspect_remote(f'{registry}/multi:{kind}-one')
    media_type = {'docker': 'application/vnd.docker.distribution.manifest.list.v2+json',
                  'oci': 'application/vnd.oci.image.index.v1+json'}[kind]
    index = json.dumps({'schemaVersion': 2, 'mediaType': media_type, 'manifests': [
        {'mediaType': one.media_type, 'digest': one.digest, 'size': one.size_bytes, 'platform': platform}
        for platform in ({'os': 'linux', 'architecture': 'amd64'},)]}).encode()
    put(registry, f'multi/manifests/{kind}', index, media_type)
    engine.remove_image(info.id)
    assert pull(engine, f'{registry}/multi:{kind}') == info.id
    assert f'{registry}/multi@{digest_of(index)}' in engine.inspect_image(info.id).references
    assert pull(engine, f'{registry}/multi@{digest_of(index)}', platform='linux/amd64') == info.id
    with pytest.raises(errors.ImageNotFound, match='no matching manifest for linux/arm64/v8'):
        pull(engine, f'{registry}/multi:{kind}', platform='linux/arm64/v8')


def test_an_image_for_another_platform_than_asked_is_refused(engine, registry, load):
    load(f'{registry}/f:1')
    list(engine.push(f'{registry}/f:1'))
    with pytest.raises(errors.UnacceptableImage, match='does not match the specified platform'):
        pull(engine, f'{registry}/f:1', platform='linux/s390x')
    with pytest.raises(errors.Unsupported):
        pull(engine, f'{registry}/f:1', platform='windows/amd64')


def test_a_registry_with_passwords_gives_nothing_without(engine, load):
    name, password = PASSWORD
    good, bad = Credentials(username=name, password=password), Credentials(username=name, password='x')
    with running_registry(password=True) as place:
        load(f'{place}/p:1')
        for credentials in (None, bad):
            with pytest.raises(errors.Denied):
                list(engine.push(f'{place}/p:1', credentials=credentials))
        list(engine.push(f'{place}/p:1', credentials=good))
        with pytest.raises(errors.Denied):
            pull(engine, f'{place}/p:1')
        assert pull(engine, f'{place}/p:1', credentials=good)
        engine.check_login(Credentials(username=name, password=password, server=place))
        with pytest.raises(errors.Denied):
            engine.check_login(Credentials(username=name, password='x', server=place))


def test_a_certificate_of_an_own_authority_is_checked(tmp_path, load, opened_engine):
    engine, settings = opened_engine
    made = make_certificates(tmp_path / 'made')
    with running_registry(certificates=made) as place:
        load(f'{place}/t:1')
        list(engine.push(f'{place}/t:1'))  # loopback: as in Docker, not checked unless certificates are there
        folder = settings.registries.certificates[0] / place
        folder.mkdir(parents=True)
        shutil.copy(made / 'ca.crt', folder)
        assert pull(engine, f'{place}/t:1')
        other = make_certificates(tmp_path / 'other')
        shutil.copy(other / 'ca.crt', folder)
        with pytest.raises(errors.Unavailable, match='(?i)certificate'):
            pull(engine, f'{place}/t:1')


def test_an_unreachable_registry_is_unavailable(engine):
    with pytest.raises(errors.Unavailable, match='refused'):
        pull(engine, '127.0.0.1:1/x:1')
    with pytest.raises(errors.Unavailable, match='cannot be found'):
        pull(engine, 'no-such-host.invalid/x:1')


def test_search_asks_the_catalogue(registry, load, engine):
    load(f'{registry}/searched/deep:1')
    list(engine.push(f'{registry}/searched/deep:1'))
    assert f'{registry}/searched/deep' in {found.name for found in engine.search(f'{registry}/searched')}
    with pytest.raises(errors.Unsupported, match='search_registry'):
        engine.search('deep')
    with opened(search=registry) as (other, _):
        assert [found.name for found in other.search('searched', limit=1)] == [f'{registry}/searched/deep']


@pytest.mark.dockerd
def test_dockerd_and_we_understand_each_other(engine, registry, load):
    ours = load(f'{registry}/ours:1', files={'/x': os.urandom(MIB)})
    list(engine.push(f'{registry}/ours:1'))
    with running_dockerd() as url:
        docker = DockerEngine(url)
        assert pull(docker, f'{registry}/ours:1') == ours.id
        docker.tag_image(ours.id, f'{registry}/theirs:1')
        digest = list(docker.push(f'{registry}/theirs:1'))[-1].result
        docker.close()
    engine.remove_image(ours.id)
    assert pull(engine, f'{registry}/theirs:1') == ours.id
    assert f'{registry}/theirs@{digest}' in engine.inspect_image(ours.id).references


def test_two_pulls_of_one_image_at_a_time_fetch_it_once(engine, registry, load):
    info = load(f'{registry}/twice:1', files={'/x': os.urandom(2 * MIB)})
    list(engine.push(f'{registry}/twice:1'))
    engine.remove_image(info.id)
    first, second = engine.pull(f'{registry}/twice:1'), engine.pull(f'{registry}/twice:1')
    next(first)
    next(second)
    statuses = [one.status for pulled in (first, second) for one in pulled]
    assert statuses.count('Download complete') == 2
    assert engine.inspect_image(f'{registry}/twice:1').id == info.id


def test_a_pull_that_nobody_waits_for_leaves_nothing(engine, registry, load):
    info = load(f'{registry}/left:1', files={'/x': os.urandom(8 * MIB)})
    list(engine.push(f'{registry}/left:1'))
    engine.remove_image(info.id)
    pulling = engine.pull(f'{registry}/left:1')
    next(pulling)
    pulling.close()
    with pytest.raises(errors.ImageNotFound):
        engine.inspect_image(f'{registry}/left:1')
