# SPDX-License-Identifier: Apache-2.0
"""What the first process is: the container's words, laid over its image's as Docker does."""

import pytest

from nova_container import errors
from nova_container.engine import spec as specs


class ProcessSuite:
    def test_the_image_says_what_runs(self, output_of, image_with):
        image = image_with(config={'Cmd': ['echo', 'from the image']})
        assert output_of(image=image) == 'from the image\n'

    def test_a_command_replaces_that_of_the_image(self, output_of, image_with):
        image = image_with(config={'Cmd': ['echo', 'from the image']})
        assert output_of('echo', 'mine', image=image) == 'mine\n'

    def test_the_command_follows_the_entrypoint(self, output_of, image_with):
        image = image_with(config={'Entrypoint': ['echo', 'entry'], 'Cmd': ['command']})
        assert output_of(image=image) == 'entry command\n'
        assert output_of('mine', image=image) == 'entry mine\n'

    def test_an_entrypoint_drops_the_command_of_the_image(self, output_of, image_with):
        image = image_with(config={'Entrypoint': ['echo', 'entry'], 'Cmd': ['command']})
        assert output_of(image=image, entrypoint=('echo', 'other')) == 'other\n'

    def test_no_command_at_all_is_an_invalid_spec(self, create, image_with):
        image = image_with(config={'Cmd': None, 'Entrypoint': None})
        with pytest.raises(errors.InvalidRequest):
            create(image=image)

    def test_the_environment_is_laid_over_that_of_the_image(self, output_of, image_with):
        image = image_with(config={'Env': ['PATH=/bin', 'KEPT=image', 'CHANGED=image']})
        said = output_of('env', image=image, env=('CHANGED=mine', 'NEW=a=b c')).splitlines()
        assert {'PATH=/bin', 'KEPT=image', 'CHANGED=mine', 'NEW=a=b c'} <= set(said)

    def test_a_variable_without_a_value_takes_that_of_the_image_away(self, output_of, image_with):
        image = image_with(config={'Env': ['PATH=/bin', 'GONE=image', 'KEPT=image']})
        said = output_of('env', image=image, env=('GONE',)).splitlines()
        assert 'KEPT=image' in said
        assert not any(line.startswith('GONE') for line in said)

    def test_the_environment_has_a_path_and_the_hostname(self, output_of, image_with):
        image = image_with(config={'Env': None})
        said = output_of('env', image=image, hostname='box').splitlines()
        assert 'HOSTNAME=box' in said
        assert any(line.startswith('PATH=') and '/usr/bin' in line for line in said)

    def test_the_hostname_is_set(self, output_of):
        assert output_of('hostname', hostname='web-1') == 'web-1\n'

    def test_without_a_hostname_it_is_the_start_of_the_id(self, engine, run):
        container = run('sleep', '600')
        said = engine.exec(container, specs.ExecSpec(command=('hostname',))).stdout
        assert said == f'{container[:12]}\n'.encode()

    def test_the_directory_is_that_of_the_image_or_the_container(self, output_of, image_with):
        image = image_with(config={'WorkingDir': '/var/log'})
        assert output_of('pwd', image=image) == '/var/log\n'
        assert output_of('pwd', image=image, cwd='/tmp') == '/tmp\n'

    def test_a_directory_that_is_missing_is_made(self, output_of):
        assert output_of('pwd', cwd='/srv/not/there') == '/srv/not/there\n'

    def test_the_user_is_that_of_the_image_or_the_container(self, output_of, image_with):
        image = image_with(config={'User': 'tenant'})
        assert output_of('sh', '-c', 'id -u; id -g', image=image) == '1000\n1000\n'
        assert output_of('sh', '-c', 'id -u; id -g', image=image, user='nobody:staff') == '65534\n50\n'
        assert output_of('sh', '-c', 'id -u; id -g', image=image, user='4242:7') == '4242\n7\n'

    def test_inspect_shows_the_process_as_it_runs(self, engine, create, image_with):
        image = image_with(config={'Entrypoint': ['echo'], 'Cmd': ['x'], 'WorkingDir': '/tmp', 'User': 'tenant',
                                   'Env': ['FROM=image']})
        process = engine.inspect(create(image=image)).spec.process
        assert (process.entrypoint, process.command, process.cwd, process.user) == (('echo',), ('x',), '/tmp', 'tenant')
        assert 'FROM=image' in process.env

    def test_the_stop_signal_is_that_of_the_image(self, engine, run_ready, image_with):
        image = image_with(config={'StopSignal': 'SIGUSR1'})
        container = run_ready('trap "exit 4" USR1; echo ready; sleep 600 & wait', image=image)
        engine.stop(container)
        assert engine.inspect(container).exit.code == 4

    def test_a_read_only_root_refuses_writes(self, engine, run):
        tmpfs = specs.Mount(kind=specs.MountKind.TMPFS, target='/scratch', size_bytes=1 << 20)
        container = run('sleep', '600', security=specs.Security(read_only_root=True), mounts=(tmpfs,))
        refused = engine.exec(container, specs.ExecSpec(command=('sh', '-c', 'echo x > /file')))
        assert refused.exit_code != 0
        assert b'Read-only' in refused.stderr
        taken = engine.exec(container, specs.ExecSpec(command=('sh', '-c', 'echo x > /scratch/file')))
        assert taken.exit_code == 0
