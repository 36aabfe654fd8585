# SPDX-License-Identifier: Apache-2.0
import io
import tarfile

import pytest

from nova_container.engine import BuildSpec, Resources
from nova_container.runtime import build_output, built
from nova_container.runtime.built import Built, BuiltStore

BUILT = Built(image_id='sha256:' + 'a' * 64, bases={'box:1': 'sha256:' + 'b' * 64}, said=('Step 1/1 : FROM box:1',))


def key(path, spec=None, *, network='none', **fields):
    with tarfile.open(path, 'w') as archive:
        entry = tarfile.TarInfo('f')
        content = fields.pop('content', b'x')
        entry.size = len(content)
        for name, value in fields.items():
            setattr(entry, name, value)
        archive.addfile(entry, io.BytesIO(content))
    return built.key_of(path, spec or BuildSpec(), network, max_bytes=1 << 20, max_entries=10, deadline_s=10)


@pytest.mark.parametrize('changed', [
    {'content': b'y'}, {'name': 'g'}, {'mode': 0o755}, {'uid': 7}, {'gid': 7}, {'network': 'host'},
    {'pax_headers': {'SCHILY.xattr.user.a': 'b'}}, {'spec': BuildSpec(arguments={'A': 'b'})},
    {'spec': BuildSpec(labels={'A': 'b'})}, {'spec': BuildSpec(target='t')}, {'spec': BuildSpec(dockerfile='D')},
    {'spec': BuildSpec(platform='linux/arm64')}, {'spec': BuildSpec(limits=Resources(memory_bytes=1 << 20))}])
def test_the_key_tells_apart_what_gives_another_image(tmp_path, changed):
    assert key(tmp_path / 'a') != key(tmp_path / 'b', **changed)


@pytest.mark.parametrize('changed', [
    {'mtime': 5}, {'spec': BuildSpec(tags=('a:1',))}, {'spec': BuildSpec(pull=True)}, {'spec': BuildSpec(cache=False)}])
def test_the_key_leaves_out_what_does_not(tmp_path, changed):
    assert key(tmp_path / 'a') == key(tmp_path / 'b', **changed)


def test_what_is_no_tar_has_no_key(tmp_path):
    (tmp_path / 'a').write_bytes(b'x' * 2048)
    assert built.key_of(tmp_path / 'a', BuildSpec(), 'none', max_bytes=1 << 20, max_entries=10, deadline_s=10) is None


def test_what_was_kept_is_found_until_it_is_forgotten(tmp_path):
    store = BuiltStore(tmp_path / 'built')
    assert store.find('k') is None
    store.keep('k', BUILT)
    assert store.find('k') == BUILT
    store.clear()
    assert store.find('k') is None


def test_a_damaged_file_is_as_none(tmp_path):
    store = BuiltStore(tmp_path / 'built')
    store.keep('k', BUILT)
    (tmp_path / 'built' / 'k').write_bytes(b'\xff{')
    assert store.find('k') is None


def test_only_so_many_are_kept_and_the_ones_asked_for_last(tmp_path, monkeypatch):
    monkeypatch.setattr(built, '_KEPT', 2)
    store = BuiltStore(tmp_path / 'built')
    store.keep('a', BUILT)
    store.keep('b', BUILT)
    store.find('a')
    store.keep('c', BUILT)
    assert [store.find(key) is not None for key in 'abc'] == [True, False, True]


def test_steps_that_are_done_are_said_to_come_from_the_cache():
    steps = ('[1/2] Step 1/2 : FROM box:1', ' ---> 0123456789ab', '[1/2] Step 2/2 : RUN x', ' ---> ba9876543210')
    assert ''.join(build_output.again(steps)) == (
        '[1/2] Step 1/2 : FROM box:1\n ---> 0123456789ab\n[1/2] Step 2/2 : RUN x\n ---> Using cache\n'
        ' ---> ba9876543210\n')
