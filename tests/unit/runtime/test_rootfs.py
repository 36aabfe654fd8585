# SPDX-License-Identifier: Apache-2.0
"""A container's own folder: made with modes that others can pass, its files in /etc, removed whole."""

import os

import pytest

from nova_container.engine import spec as specs
from nova_container.runtime import rootfs
from nova_container.runtime.rootfs import ContainerFolder


@pytest.fixture
def folder(tmp_path):
    return ContainerFolder(tmp_path / 'c')


def spec(**network):
    return specs.ContainerSpec(name='n', image='i', network=specs.NetworkSpec(**network))


def text(folder, name):
    return (folder.etc / name).read_text()


@pytest.mark.parametrize('mask', [0o022, 0o077])
def test_modes_do_not_depend_on_the_umask(folder, mask):
    before = os.umask(mask)
    try:
        folder.make()
        folder.write_etc(spec(), 'host')
    finally:
        os.umask(before)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (folder.root, folder.upper, folder.etc)} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in folder.etc.iterdir()} == {0o644}


def test_hosts_and_resolver_are_those_of_the_spec(folder):
    folder.make()
    folder.write_etc(spec(dns=('9.9.9.9', '::1'), dns_search=('a.b', 'c'), dns_options=('ndots:2',),
                          extra_hosts=('db:10.0.0.5', 'six:fd00::5')), 'box')
    assert text(folder, 'hostname') == 'box\n'
    assert text(folder, 'resolv.conf') == 'nameserver 9.9.9.9\nnameserver ::1\nsearch a.b c\noptions ndots:2\n'
    assert text(folder, 'hosts').endswith('10.0.0.5\tdb\nfd00::5\tsix\n')
    assert text(folder, 'hosts').startswith('127.0.0.1\tlocalhost\n')


def test_without_a_resolver_of_its_own_it_has_the_hosts(folder, tmp_path, monkeypatch):
    (tmp_path / 'resolv.conf').write_text('nameserver 192.0.2.1\n')
    monkeypatch.setattr(rootfs, '_HOST_RESOLV', tmp_path / 'resolv.conf')
    folder.make()
    folder.write_etc(spec(), 'box')
    assert text(folder, 'resolv.conf') == 'nameserver 192.0.2.1\n'
    monkeypatch.setattr(rootfs, '_HOST_RESOLV', tmp_path / 'none')
    folder.write_etc(spec(), 'box')
    assert text(folder, 'resolv.conf') == ''


def test_removal_is_repeatable(folder):
    folder.make()
    folder.remove()
    folder.remove()
    assert not folder.path.exists()
