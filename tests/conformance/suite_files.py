# SPDX-License-Identifier: Apache-2.0
"""The files of a container: changes, copies, export, commit."""

import io
import stat
import tarfile

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.state import Change, ChangeKind, Status


class FilesSuite:
    def test_a_fresh_container_differs_in_nothing(self, engine, run):
        assert engine.changes(run('sleep', '600')) == ()

    def test_changes_are_added_modified_and_deleted_paths_in_order(self, engine, run):
        container = run('sh', '-c', 'mkdir /srv2; echo x > /srv2/new; echo more >> /etc/group; rm /opt/data/one')
        engine.wait(container, timeout_s=20)
        assert set(engine.changes(container)) == {
            Change('/etc', ChangeKind.MODIFIED), Change('/etc/group', ChangeKind.MODIFIED),
            Change('/opt', ChangeKind.MODIFIED), Change('/opt/data', ChangeKind.MODIFIED),
            Change('/opt/data/one', ChangeKind.DELETED),
            Change('/srv2', ChangeKind.ADDED), Change('/srv2/new', ChangeKind.ADDED)}
        paths = [change.path for change in engine.changes(container)]
        assert paths == sorted(paths)

    def test_what_was_written_is_measured(self, engine, run):
        idle, busy = run('sleep', '600'), run('sh', '-c', 'echo 12345 > /srv2')
        engine.wait(busy, timeout_s=20)
        assert (engine.written_bytes(idle), engine.written_bytes(busy)) == (0, 6)

    def test_a_deleted_directory_is_one_change(self, engine, run):
        container = run('rm', '-r', '/opt/data')
        engine.wait(container, timeout_s=20)
        assert Change('/opt/data', ChangeKind.DELETED) in engine.changes(container)
        assert not [change for change in engine.changes(container) if change.path.startswith('/opt/data/')]

    def test_an_export_holds_the_whole_file_system(self, engine, run):
        container = run('sh', '-c', 'echo mine > /tmp/mine; rm /opt/data/two')
        engine.wait(container, timeout_s=20)
        files = unpacked(engine.export(container))
        assert files['etc/greeting'] == b'hello\n'
        assert files['tmp/mine'] == b'mine\n'
        assert 'opt/data/two' not in files

    def test_a_file_is_described(self, engine, create):
        container = create('true')
        found = engine.stat_path(container, '/etc/greeting')
        assert (found.name, found.size_bytes, found.link_target) == ('greeting', 6, '')
        assert stat.S_ISREG(found.mode)
        assert stat.S_IMODE(found.mode) == 0o644

    def test_a_directory_is_described_with_its_special_bits(self, engine, create):
        found = engine.stat_path(create('true'), '/tmp')
        assert stat.S_ISDIR(found.mode)
        assert stat.S_IMODE(found.mode) == 0o1777

    def test_a_link_is_described_itself(self, engine, create):
        found = engine.stat_path(create('true'), '/bin/sh')
        assert stat.S_ISLNK(found.mode)
        assert (found.name, found.link_target) == ('sh', '/bin/busybox')

    @pytest.mark.parametrize('path', ['/no/such/file', '/etc/greeting/below'])
    def test_a_missing_file_is_not_found(self, engine, create, path):
        container = create('true')
        with pytest.raises(errors.NotFound):
            engine.stat_path(container, path)
        with pytest.raises(errors.NotFound):
            list(engine.copy_out(container, path))

    def test_a_file_is_copied_out_under_its_name(self, engine, create):
        assert unpacked(engine.copy_out(create('true'), '/etc/greeting')) == {'greeting': b'hello\n'}

    def test_a_directory_is_copied_out_with_what_is_in_it(self, engine, create):
        files = unpacked(engine.copy_out(create('true'), '/opt/data'))
        assert files == {'data': None, 'data/one': b'1', 'data/two': b'22'}

    def test_files_copied_in_are_seen_by_the_process(self, engine, run):
        container = run('sleep', '600')
        engine.copy_in(container, '/tmp', packed({'in/here': b'from outside\n'}))
        said = engine.exec(container, specs.ExecSpec(command=('cat', '/tmp/in/here')))
        assert said.stdout == b'from outside\n'

    def test_files_copied_in_before_the_start_are_there_at_the_start(self, engine, create):
        container = create('cat', '/config')
        engine.copy_in(container, '/', packed({'config': b'early\n'}))
        engine.start(container)
        engine.wait(container, timeout_s=20)
        assert b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery())) == b'early\n'

    def test_what_is_copied_out_may_be_copied_in(self, engine, create):
        source, target = create('true'), create('true')
        archive = b''.join(engine.copy_out(source, '/opt/data'))
        engine.copy_in(target, '/tmp', io.BytesIO(archive))
        assert unpacked(engine.copy_out(target, '/tmp/data'))['data/two'] == b'22'

    def test_owner_and_mode_are_copied_in(self, engine, run):
        container = run('sleep', '600')
        engine.copy_in(container, '/tmp', packed({'secret': b'x'}, mode=0o600, uid=1000, gid=50))
        assert stat.S_IMODE(engine.stat_path(container, '/tmp/secret').mode) == 0o600
        with tarfile.open(fileobj=io.BytesIO(b''.join(engine.copy_out(container, '/tmp/secret')))) as archive:
            entry = archive.getmember('secret')
        assert (entry.uid, entry.gid) == (1000, 50)

    def test_copying_into_a_missing_directory_is_not_found(self, engine, create):
        container = create('true')
        with pytest.raises(errors.NotFound):
            engine.copy_in(container, '/no/such/directory', packed({'x': b''}))
        with pytest.raises(errors.NotFound):
            engine.stat_path(container, '/no')

    def test_a_directory_and_a_file_give_way_to_one_another_unless_they_may_not(self, engine, run):
        container = run('sleep', '600')
        engine.copy_in(container, '/tmp', packed({'file': b'kept'}, folders=('folder', 'folder/full')))
        swapped = {'folder': packed({'folder': b'x'}), 'file': packed({'file/in': b'x'}, folders=('file',))}
        for name, archive in swapped.items():
            before = engine.stat_path(container, f'/tmp/{name}').mode
            with pytest.raises(errors.ContainerError):
                engine.copy_in(container, '/tmp', archive, may_change_kind=False)
            assert engine.stat_path(container, f'/tmp/{name}').mode == before
            archive.seek(0)
            engine.copy_in(container, '/tmp', archive)
            assert stat.S_ISDIR(engine.stat_path(container, f'/tmp/{name}').mode) is not stat.S_ISDIR(before)

    def test_copying_in_what_is_no_archive_is_refused(self, engine, create):
        container = create('true')
        with pytest.raises(errors.ContainerError):
            engine.copy_in(container, '/tmp', io.BytesIO(b'this is no tar' * 100))
        assert engine.changes(container) == ()

    @pytest.mark.usefixtures('only_its_images')
    def test_a_commit_holds_the_changes(self, engine, run, output_of):
        container = run('sh', '-c', 'echo changed > /etc/greeting; rm /opt/data/one; ln -s greeting /etc/link')
        engine.wait(container, timeout_s=20)
        image_id = engine.commit(container, specs.CommitSpec(reference='conformance/commit:1'))
        assert engine.inspect_image('conformance/commit:1').id == image_id
        assert output_of('sh', '-c', 'cat /etc/link; [ -f /opt/data/one ] || echo gone',
                         image=image_id) == 'changed\ngone\n'

    @pytest.mark.usefixtures('only_its_images')
    def test_a_commit_keeps_the_process_and_overrides_what_is_asked(self, engine, run, output_of):
        container = run('sh', '-c', 'echo $A', env=('A=kept',))
        engine.wait(container, timeout_s=20)
        kept = engine.commit(container)
        changed = engine.commit(container, specs.CommitSpec(config={'Cmd': ['echo', 'overridden']}))
        assert output_of(image=kept) == 'kept\n'
        assert output_of(image=changed) == 'overridden\n'
        assert engine.inspect_image(changed).config['Cmd'] == ['echo', 'overridden']

    @pytest.mark.usefixtures('only_its_images')
    def test_a_commit_of_no_change_adds_no_layer(self, engine, image, create):
        made = engine.inspect_image(engine.commit(create('true'), specs.CommitSpec(config={'Cmd': ['echo', 'it']})))
        below = engine.inspect_image(image)
        assert (made.diff_ids, made.size_bytes) == (below.diff_ids, below.size_bytes)
        assert made.config['Cmd'] == ['echo', 'it']
        assert made.id != below.id

    def test_a_commit_says_who_made_it_and_why(self, engine, create):
        image = engine.inspect_image(engine.commit(create('true'), specs.CommitSpec(author='me', comment='why not')))
        assert (image.author, image.comment, image.references) == ('me', 'why not', ())

    @pytest.mark.usefixtures('only_its_images')
    @pytest.mark.parametrize('pause', [True, False])
    def test_a_running_container_runs_on_after_a_commit(self, engine, run, pause):
        container = run('sleep', '600')
        engine.commit(container, specs.CommitSpec(pause=pause))
        assert engine.inspect(container).status is Status.RUNNING

    @pytest.mark.usefixtures('only_its_images')
    def test_a_paused_container_stays_paused_after_a_commit(self, engine, run):
        container = run('sleep', '600')
        engine.pause(container)
        engine.commit(container)
        assert engine.inspect(container).status is Status.PAUSED

    @pytest.mark.usefixtures('only_its_images')
    def test_a_mount_is_not_committed(self, engine, run, output_of):
        tmpfs = specs.Mount(kind=specs.MountKind.TMPFS, target='/scratch')
        container = run('sh', '-c', 'echo x > /scratch/file; echo y > /kept; sleep 600', mounts=(tmpfs,))
        said = engine.exec(container, specs.ExecSpec(command=('cat', '/scratch/file')))
        assert said.exit_code == 0
        image_id = engine.commit(container)
        assert output_of('sh', '-c', 'cat /kept; [ -f /scratch/file ] || echo none', image=image_id) == 'y\nnone\n'


def unpacked(archive):
    """Names and contents (None: no regular file), without a leading ./ and a last slash."""
    with tarfile.open(fileobj=io.BytesIO(b''.join(archive))) as entries:
        return {entry.name.removeprefix('./').rstrip('/'): entries.extractfile(entry).read() if entry.isreg() else None
                for entry in entries}


def packed(files, *, mode=0o644, uid=0, gid=0, folders=()):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, uid, gid
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer
