# SPDX-License-Identifier: Apache-2.0
"""Engines for tests that break things: one in this process, one as a daemon; each must leave nothing."""

import contextlib
import io
import os
import pathlib
import shutil
import tempfile

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.host import cgroups, mounts
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings
from tests.conformance import presence
from tests.fixtures import busybox_image, leaks
from tests.fixtures.daemon import Daemon

IMAGE = 'box:1'


@pytest.fixture(scope='session')
def image_bytes(tmp_path_factory):
    """A docker-save archive of a small busybox image of two layers."""
    path = tmp_path_factory.mktemp('image') / 'box.tar'
    busybox_image.build(path, IMAGE, files={'/etc/greeting': 'hello\n'})
    return path.read_bytes()


@pytest.fixture
def folder():
    """A folder with a short path, as those of unix sockets end at 107 bytes; nothing may be left mounted there."""
    presence.require_root()
    for program in ('conmon', 'crun'):
        presence.require_program(program)
    path = pathlib.Path(tempfile.mkdtemp(prefix='nf-', dir='/tmp'))
    yield path
    left = mounts.below(path)
    for mount in left:
        mounts.unmount(mount, detach=True)
    shutil.rmtree(path, ignore_errors=True)
    assert left == []


@pytest.fixture
def settings(folder):
    return Settings(state_dir=folder / 'state', run_dir=folder / 'run')


@contextlib.contextmanager
def opened(settings):
    """An open engine; on leaving, its containers are removed, and all is as it was."""
    engine = RuntimeEngine(settings)
    engine.open()
    try:
        yield engine
    finally:
        with contextlib.suppress(errors.ContainerError):
            for container in engine.list():
                engine.remove(container.id, force=True)
        engine.close()
        for name in cgroups.children(settings.cgroup_parent):
            cgroups.Cgroup(f'{settings.cgroup_parent}/{name}', cgroups.version()).remove()


@pytest.fixture
def engine(settings, image_bytes):
    """An engine in this process with the image loaded; what a test made must go when its containers are removed."""
    with opened(settings) as made:
        made.load(io.BytesIO(image_bytes))
        first = made.create(spec_of('true'))  # for what is made once: layer of mount points, empty mount namespace
        made.start(first)
        made.wait(first)
        made.remove(first)
        before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
        yield made
        for container in made.list():
            made.remove(container.id, force=True)
        for image in made.list_images():
            if IMAGE not in image.references:
                made.remove_image(image.id, force=True)
        leaks.assert_nothing_left(before)


@pytest.fixture
def daemon(folder, image_bytes):
    """The daemon, running, with the image loaded."""
    made = Daemon(folder)
    made.start()
    try:
        made.client().load(io.BytesIO(image_bytes))
        yield made
    finally:
        made.kill()
        with opened(made.settings):  # removes what is left
            pass


def spec_of(*command, name=None, image=IMAGE, **fields):
    """A container that runs the command; keywords are fields of the process or of the container."""
    process = {key: fields.pop(key) for key in list(fields) if hasattr(specs.ProcessSpec(), key)}
    return specs.ContainerSpec(name=name or f'c{os.urandom(6).hex()}', image=image,
                               process=specs.ProcessSpec(command=command, **process), **fields)
