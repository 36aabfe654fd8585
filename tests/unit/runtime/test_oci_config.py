# SPDX-License-Identifier: Apache-2.0
"""config.json from a spec, against golden files: NOVA_CONTAINER_REGENERATE=1 writes them anew, then read the diff."""

import json
import os
import stat
import unittest
from pathlib import Path

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.runtime import capabilities, oci_config, users
from tests.fixtures.oci.bundles import a_bundle, a_spec

FOLDER = Path(__file__).parents[2] / 'fixtures/oci'
IMAGE = {'Entrypoint': ['/docker-entrypoint.sh'], 'Cmd': ['nginx', '-g', 'daemon off;'], 'WorkingDir': '/srv',
         'Env': ['PATH=/usr/sbin:/usr/bin', 'NGINX_VERSION=1.27']}
WEB = users.Identity(uid=101, gid=101, additional_gids=(101, 29), home='/var/www', name='nginx')
LIMITS = specs.Resources(
    memory_bytes=512 << 20, memory_swap_bytes=512 << 20, memory_reservation_bytes=256 << 20, memory_swappiness=10,
    oom_kill_disable=True, cpu_shares=512, cpu_quota_us=50_000, cpu_period_us=100_000, cpuset_cpus='0-1',
    cpuset_mems='0', pids_limit=100, blkio_weight=300, read_bps=(specs.Throttle(device='/dev/vda', rate=1 << 20),),
    write_bps=(specs.Throttle(device='/dev/vda', rate=2 << 20),),
    read_iops=(specs.Throttle(device='/dev/vda', rate=100),), write_iops=(specs.Throttle(device='/dev/vda', rate=200),))


def device_stat(path):
    """A host with a disk, a tunnel and a file."""
    found = {'/dev/vda': (stat.S_IFBLK | 0o660, os.makedev(254, 0)), '/dev/net/tun': (stat.S_IFCHR | 0o666,
             os.makedev(10, 200)), '/dev/file': (stat.S_IFREG | 0o644, 0)}.get(path)
    if found is None:
        raise FileNotFoundError(2, 'No such file or directory', path)
    return os.stat_result((found[0], 1, 1, 1, 0, 6, 0, 0, 0, 0), {'st_rdev': found[1]})


def config(bundle):
    return oci_config.config(bundle, device_stat)


def bundles():
    """Every golden case by its name."""
    mounts = (
        specs.Mount(kind=specs.MountKind.BIND, source='/srv/data', target='/data/deep/er', read_only=True),
        specs.Mount(kind=specs.MountKind.BIND, source='/srv/shared', target='/data', propagation='rshared'),
        specs.Mount(kind=specs.MountKind.BIND, source='/srv/hosts', target='/etc/hosts'),
        specs.Mount(kind=specs.MountKind.TMPFS, target='/run', size_bytes=1 << 20, mode=0o755, options=('exec',)),
        specs.Mount(kind=specs.MountKind.TMPFS, target='/dev/shm', size_bytes=1 << 30, read_only=True))
    tunnel = specs.Device(path_on_host='/dev/net/tun', path_in_container='/dev/net/tun', permissions='rw')
    everything = a_spec(
        process=specs.ProcessSpec(env=('NGINX_VERSION=1.28', 'MODE=test'), cwd='/srv/www', tty=True),
        hostname='web1', domainname='example.org', resources=LIMITS, mounts=mounts, devices=(tunnel,),
        security=specs.Security(cap_add=('net_admin',), cap_drop=('MKNOD', 'CAP_AUDIT_WRITE'), read_only_root=True,
                                no_new_privileges=False, masked_paths=('/proc/kcore',), read_only_paths=()),
        sysctls={'net.ipv4.ip_forward': '1', 'net.ipv4.ip_unprivileged_port_start': '1024'},
        ulimits=(specs.Ulimit(name='core', soft=0, hard=-1), specs.Ulimit(name='nofile', soft=64, hard=128)),
        shm_bytes=1 << 28, oom_score_adj=200)
    return {
        'defaults': a_bundle(seccomp_json=None, seccomp_bpf=b'\x06\0\0\0\0\0\xff\x7f'),
        'defaults-cgroup-v1': a_bundle(cgroup_version=1, image_config=IMAGE),
        'everything': a_bundle(everything, image_config=IMAGE, identity=WEB, init_path='/usr/bin/tini-static',
                               seccomp_bpf=b'filter'),
        'everything-cgroup-v1': a_bundle(everything, image_config=IMAGE, cgroup_version=1),
        'privileged': a_bundle(
            a_spec(security=specs.Security(privileged=True, no_new_privileges=False), devices=(tunnel,)),
            host_devices=(specs.Device(path_on_host='/dev/vda', path_in_container='/dev/vda'),),
            host_capabilities=capabilities.KNOWN - {'CAP_SYS_RESOURCE'}),
        'host-network': a_bundle(a_spec(network=specs.NetworkSpec(mode=specs.NetworkMode.HOST)), network_namespace=None,
                                 host_masked_paths=('/sys/devices/system/cpu/cpu0/thermal_throttle',)),
    }


class GoldenTest(unittest.TestCase):
    maxDiff = None

    def test_every_case_is_as_its_file_says(self):
        for name, bundle in bundles().items():
            with self.subTest(name):
                self._compare(name, config(bundle))

    def test_a_further_process_is_as_its_file_says(self):
        bundle = bundles()['everything']
        asked = specs.ExecSpec(command=('sh', '-c', 'id'), env=('MODE=debug',), tty=False)
        self._compare('exec', oci_config.exec_process(bundle, asked, WEB))
        asked = specs.ExecSpec(command=('sh',), cwd='/tmp', tty=True, privileged=True)
        self._compare('exec-privileged', oci_config.exec_process(bundle, asked, users.Identity(
            uid=0, gid=0, additional_gids=(0,), home='/root', name='root')))

    def _compare(self, name, made):
        path = FOLDER / f'{name}.json'
        if os.environ.get('NOVA_CONTAINER_REGENERATE'):
            path.write_text(json.dumps(made, indent=2) + '\n')
        self.assertEqual(json.loads(path.read_text()), made)


class CommandTest(unittest.TestCase):

    def args(self, image, entrypoint=None, command=None):
        return oci_config.process_args(specs.ProcessSpec(entrypoint=entrypoint, command=command), image)

    def test_docker_s_rules_of_entrypoint_and_command(self):
        image = {'Entrypoint': ['/entry'], 'Cmd': ['one', 'two']}
        for entrypoint, command, expected in (
                (None, None, ('/entry', 'one', 'two')), (None, ('three',), ('/entry', 'three')),
                (('/own',), None, ('/own',)), (('/own',), ('three',), ('/own', 'three')),
                ((), None, ('one', 'two')), ((), ('three',), ('three',)), (('',), ('three',), ('three',)),
                (None, (), ('/entry', 'one', 'two'))):
            with self.subTest(entrypoint=entrypoint, command=command):
                self.assertEqual(expected, self.args(image, entrypoint, command))

    def test_nothing_to_run_is_refused(self):
        for image, entrypoint in (({}, None), ({'Cmd': None, 'Entrypoint': []}, None), ({'Cmd': ['sh']}, ('',)),
                                  ({'Cmd': ['']}, None)):
            with self.assertRaisesRegex(errors.InvalidSpec, 'No command specified'):
                self.args(image, entrypoint)

    def test_an_image_with_a_command_of_a_megabyte_is_refused(self):
        with self.assertRaisesRegex(errors.InvalidSpec, 'the kernel takes at most'):
            self.args({'Cmd': ['x' * 2 ** 20]})

    def test_an_image_with_a_nul_in_its_command_is_refused(self):
        with self.assertRaisesRegex(errors.InvalidSpec, 'NUL'):
            self.args({'Cmd': ['sh\0ow']})


class EnvironmentTest(unittest.TestCase):

    def env(self, image=(), own=(), tty=False, over=()):
        return oci_config.environment(specs.ProcessSpec(env=own, tty=tty), {'Env': list(image)}, hostname='web',
                                      home='/root', over=over)

    def test_the_defaults(self):
        self.assertEqual([f'PATH={oci_config.DEFAULT_PATH}', 'HOSTNAME=web', 'HOME=/root'], self.env())
        self.assertIn('TERM=xterm', self.env(tty=True))

    def test_each_layer_replaces_by_name_and_keeps_the_place(self):
        made = self.env(('PATH=/bin', 'A=image', 'B=image'), ('B=spec', 'C=spec=x'), over=('C=exec', 'HOME=/home'))
        self.assertEqual(['PATH=/bin', 'HOSTNAME=web', 'HOME=/home', 'A=image', 'B=spec', 'C=exec'], made)

    def test_a_bare_name_takes_it_away(self):
        self.assertEqual(['HOSTNAME=web', 'HOME=/root'], self.env(('A=image', 'PATH=/x'), ('A', 'PATH')))

    def test_an_image_s_entry_without_a_name_is_dropped(self):
        self.assertEqual(3, len(self.env(('=x', '', '='))))

    def test_an_image_s_environment_is_bounded(self):
        with self.assertRaises(errors.InvalidSpec):
            self.env(tuple(f'V{number}={"x" * 1000}' for number in range(10_000)))


class FolderTest(unittest.TestCase):

    def test_a_working_directory_is_absolute_and_normal(self):
        for own, image, expected in ((None, None, '/'), (None, 'app', '/app'), (None, '/app/', '/app'),
                                     ('/srv/./x/..', '/app', '/srv'), (None, '//app', '/app'), (None, '../..', '/')):
            with self.subTest(own=own, image=image):
                self.assertEqual(expected, oci_config.working_dir(specs.ProcessSpec(cwd=own), {'WorkingDir': image}))

    def test_one_in_proc_is_refused(self):
        for image in ('/proc/self/fd/7', '//proc/self/fd/7', 'proc/self/fd/7', '/x/../proc/1/root'):
            with self.assertRaisesRegex(errors.InvalidSpec, 'must not be in /proc'):
                oci_config.working_dir(specs.ProcessSpec(), {'WorkingDir': image})


class SafetyTest(unittest.TestCase):

    def test_a_container_never_runs_without_a_filter_by_mistake(self):
        with self.assertRaisesRegex(errors.HostFailure, 'no system call filter'):
            config(a_bundle(seccomp_json=None))

    def test_an_unconfined_container_has_none_even_if_one_is_at_hand(self):
        made = config(a_bundle(a_spec(security=specs.Security(seccomp_unconfined=True)), seccomp_bpf=b'filter'))
        self.assertNotIn('seccomp', made['linux'])
        self.assertEqual({}, made['annotations'])

    def test_no_capability_is_ever_inheritable(self):
        bundle = bundles()['privileged']
        asked = specs.ExecSpec(command=('sh',), privileged=True)
        for process in (config(bundle)['process'], oci_config.exec_process(bundle, asked, bundle.identity)):
            self.assertEqual(([], []), (process['capabilities']['inheritable'], process['capabilities']['ambient']))

    def test_a_user_that_is_not_root_holds_nothing_at_its_start(self):
        held = config(a_bundle(identity=WEB))['process']['capabilities']
        self.assertEqual(([], []), (held['effective'], held['permitted']))
        self.assertEqual(14, len(held['bounding']))

    def test_labels_never_become_annotations(self):
        made = config(a_bundle(a_spec(labels={'run.oci.handler': 'wasm', 'run.oci.hooks.stderr': '/etc/shadow'})))
        self.assertEqual({}, made['annotations'])

    def test_devices_are_denied_before_any_is_allowed(self):
        rules = config(a_bundle())['linux']['resources']['devices']
        self.assertEqual({'allow': False, 'access': 'rwm'}, rules[0])
        self.assertNotIn('b', {rule.get('type') for rule in rules})

    def test_what_is_no_device_of_this_host_is_refused(self):
        for path, said in (('/dev/none', 'cannot be used'), ('/dev/file', 'is not a device')):
            asked = specs.Device(path_on_host=path, path_in_container='/dev/x')
            with self.assertRaisesRegex(errors.InvalidSpec, said):
                config(a_bundle(a_spec(devices=(asked,))))
            with self.assertRaisesRegex(errors.InvalidSpec, said):
                oci_config.resources(specs.Resources(read_bps=(specs.Throttle(device=path, rate=1),)), 2, device_stat)

    def test_open_files_stay_below_what_the_engine_has(self):
        self.assertEqual([{'type': 'RLIMIT_NOFILE', 'soft': 500, 'hard': 500}],
                         config(a_bundle(host_open_files=500))['process']['rlimits'])


class ResourcesTest(unittest.TestCase):

    def test_no_limits_are_none_but_that_of_processes(self):
        self.assertEqual({'pids': {'limit': 2048}}, oci_config.resources(specs.Resources(), 2))

    def test_no_limit_of_processes_is_the_kernel_s_own(self):
        self.assertEqual({'pids': {'limit': 4194304}}, oci_config.resources(specs.Resources(pids_limit=-1), 1))

    def test_what_cgroup_2_lacks_is_left_out(self):
        limits = specs.Resources(memory_bytes=1 << 30, memory_swappiness=0, oom_kill_disable=True)
        self.assertEqual({'limit': 1 << 30}, oci_config.resources(limits, 2)['memory'])
        self.assertEqual({'limit': 1 << 30, 'swappiness': 0, 'disableOOMKiller': True},
                         oci_config.resources(limits, 1)['memory'])


class MountsTest(unittest.TestCase):

    def targets(self, *mounts, **fields):
        return [mount['destination'] for mount in oci_config.mounts(a_bundle(a_spec(mounts=mounts), **fields))]

    def bind(self, target, **fields):
        return specs.Mount(kind=specs.MountKind.BIND, source='/srv', target=target, **fields)

    def test_a_folder_is_mounted_before_what_lies_below_it(self):
        targets = self.targets(self.bind('/a/b/c'), self.bind('/a'), self.bind('/etc'))
        self.assertLess(targets.index('/a'), targets.index('/a/b/c'))
        self.assertLess(targets.index('/etc'), targets.index('/etc/hosts'))

    def test_the_caller_s_own_dev_takes_the_place_of_all_of_ours(self):
        targets = self.targets(self.bind('/dev'), init_path='/usr/bin/tini-static')
        self.assertEqual(['/dev'], [target for target in targets if target.startswith('/dev')])
        self.assertEqual('/run/.nova-container-init', targets[-1])

    def test_no_target_is_mounted_twice(self):
        for bundle in bundles().values():
            targets = [mount['destination'] for mount in oci_config.mounts(bundle)]
            self.assertEqual(len(targets), len(set(targets)))

    def test_propagation_reaches_the_root(self):
        for propagation, expected in (('rshared', 'shared'), ('slave', 'rslave'), ('rprivate', None)):
            made = config(a_bundle(a_spec(mounts=(self.bind('/a', propagation=propagation),))))
            self.assertEqual(expected, made['linux'].get('rootfsPropagation'))
