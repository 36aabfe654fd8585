# SPDX-License-Identifier: Apache-2.0
"""Specs are checked before anything is made of them, and the text says what to change."""

import pytest

from nova_container import errors
from nova_container.engine import grammar, validate
from nova_container.engine import spec as specs

MIB = 1 << 20
BIND, TMPFS = specs.MountKind.BIND, specs.MountKind.TMPFS


def a_spec(**fields):
    return specs.ContainerSpec(**{'name': 'a-name', 'image': 'an/image:1', **fields})


def a_mount(target, kind=TMPFS, source='', **fields):
    return a_spec(mounts=(specs.Mount(kind=kind, target=target, source=source, **fields),))


def a_process(**fields):
    return a_spec(process=specs.ProcessSpec(**fields))


def a_device(inside='/dev/x', host='/dev/x', permissions='rwm'):
    return specs.Device(path_on_host=host, path_in_container=inside, permissions=permissions)


def refused(spec):
    with pytest.raises(errors.InvalidSpec) as raised:
        validate.check(spec)
    return str(raised.value)


def test_a_plain_spec_passes():
    validate.check(a_spec())


def test_a_rich_spec_passes():
    validate.check(a_spec(
        name='6a3f3c2e-0d57-4f7e-9d53-3f0f8f0f0f0f',
        image=f'sha256:{"0" * 64}', hostname='web-1.rack', domainname='a.b',
        process=specs.ProcessSpec(entrypoint=('sh',), command=('-c', ''), env=('A=', 'B=x=y', 'b.c=\n'), cwd='/proc-x',
                                  user='1000:staff', stop_signal='SIGRTMIN+3', stop_timeout_s=0),
        resources=specs.Resources(
            memory_bytes=64 * MIB, memory_reservation_bytes=32 * MIB, memory_swap_bytes=-1, memory_swappiness=0,
            cpu_shares=2, cpu_quota_us=1000, cpu_period_us=100_000, cpuset_cpus='0-2,7', cpuset_mems='0',
            pids_limit=-1, blkio_weight=500, read_bps=(specs.Throttle(device='/dev/vda', rate=1),)),
        mounts=(specs.Mount(kind=BIND, target='/data', source='/srv/data'),
                specs.Mount(kind=TMPFS, target='/proc2', size_bytes=1, mode=0o1777)),
        devices=(a_device('/dev/net/tun', '/dev/net/tun', 'rw'),),
        security=specs.Security(cap_add=('NET_ADMIN', 'cap_bpf'), cap_drop=('ALL',), groups=('staff', '50'),
                                masked_paths=('/proc/kcore',)),
        network=specs.NetworkSpec(dns=('10.0.0.1', '2001:db8::1'), dns_search=('a.b',), extra_hosts=('x:10.0.0.2',)),
        restart=specs.RestartPolicy(name='on-failure', maximum_retries=3),
        labels={'a.b': '=c'}, sysctls={'net.ipv4.ip_local_port_range': '1024 65000', 'kernel.shmmax': '1'},
        ulimits=(specs.Ulimit(name='nofile', soft=1024, hard=-1),), oom_score_adj=-1000))


@pytest.mark.parametrize('name', ['', '-a', '.a', 'a b', 'a/b', 'a\n', 'ä', 'a' * 256])
def test_a_name_has_a_narrow_grammar(name):
    assert refused(a_spec(name=name)).startswith('name: ')


@pytest.mark.parametrize('image', ['', 'a b', 'a\n', 'a\0'])
def test_an_image_is_one_word(image):
    assert refused(a_spec(image=image)).startswith('image: ')


@pytest.mark.parametrize('entry', ['=x', '', 'A=\0', 'A\0=x', 'A=' + 'x' * 128 * 1024, 'A=\ud800'])
def test_an_env_entry_is_name_equals_value(entry):
    assert refused(a_process(env=(entry,))).startswith('env: ')


def test_an_environment_has_a_bounded_size():
    many = tuple(f'A{number}={"x" * 1000}' for number in range(1100))
    assert '1048576' in refused(a_process(env=many))


@pytest.mark.parametrize('field', ['command', 'entrypoint'])
@pytest.mark.parametrize('argument', ['a\0b', 'x' * (128 * 1024 + 1)])
def test_an_argument_holds_no_nul_and_fits_the_kernel(field, argument):
    assert refused(a_process(**{field: ('echo', argument)})).startswith(f'{field}: ')


@pytest.mark.parametrize('cwd', ['', 'a', './a', '/proc', '/proc/self/fd/7', '/a/../proc/1', '//proc/self', '/a\0'])
def test_a_directory_is_absolute_and_not_in_proc(cwd):
    assert refused(a_process(cwd=cwd)).startswith('cwd: ')


@pytest.mark.parametrize('user', ['a b', 'a:b:c', ':', 'a:', '../x', 'a\n'])
def test_a_user_is_a_name_or_number_with_a_group(user):
    assert refused(a_process(user=user)).startswith('user: ')


@pytest.mark.parametrize('signal', ['', '0', '65', '999999', 'SIGNONSENSE', 'TERM ', 'SIGRTMIN+31', '-9'])
def test_a_stop_signal_is_one_of_linux(signal):
    assert refused(a_process(stop_signal=signal)).startswith('stop_signal: ')


@pytest.mark.parametrize('signal', ['TERM', 'sigterm', '15', 'RTMIN', 'SIGRTMAX-30', 'WINCH'])
def test_signals_have_many_spellings(signal):
    assert grammar.is_signal(signal)


@pytest.mark.parametrize('hostname', ['-a', 'a-', 'a/b', 'a..b', '.a', 'a' * 64, 'a b', 'a\n', '٣'])
def test_a_hostname_is_of_rfc_1123_or_has_underscores(hostname):
    assert refused(a_spec(hostname=hostname)).startswith('hostname: ')
    for good in ('a' * 63, 'my_app', '_a.b_'):
        validate.check(a_spec(hostname=good))


@pytest.mark.parametrize('name', ['kernel.shm_rmid_forced=1+kernel.core_pattern', 'net.ipv4.ip_forward\n', 'kernel',
                                  '/kernel.x', 'kernel..x', 'kernel.', '../kernel.x', 'a b.c', ''])
def test_the_name_of_a_sysctl_smuggles_nothing(name):
    assert refused(a_spec(sysctls={name: '1'})).startswith('sysctls: ')


@pytest.mark.parametrize('value', ['1\n', '1\nkernel.core_pattern=|/x', '1+kernel.x=2', '', ' 1', '1;2', '1=2', '1\0'])
def test_the_value_of_a_sysctl_is_one_line(value):
    assert refused(a_spec(sysctls={'net.ipv4.ip_forward': value})).startswith('sysctls: ')


@pytest.mark.parametrize('name', ['', 'CAP_', 'ROOT', 'CAP_ALL', 'NET_ADMIN,SYS_ADMIN'])
@pytest.mark.parametrize('field', ['cap_add', 'cap_drop'])
def test_a_capability_is_one_of_linux(field, name):
    assert refused(a_spec(security=specs.Security(**{field: (name,)}))).startswith(f'{field}: ')


def test_linux_has_41_capabilities():
    assert len(grammar.CAPABILITIES) == 41


@pytest.mark.parametrize('target', ['', 'a', '/', '//', '//a', '/a/', '/a/../b', '/a/./b', '/a//b', '/proc', '/proc/x',
                                    '/sys', '/sys/fs/cgroup', '/a\0'])
def test_a_mount_target_is_normal_and_away_from_the_kernel(target):
    assert refused(a_mount(target)).startswith('mounts: ')


@pytest.mark.parametrize('source', ['', 'a', './a', '/a/../etc', '/a\0'])
def test_the_source_of_a_bind_is_absolute(source):
    assert refused(a_mount('/x', BIND, source)).startswith('mounts: source')


@pytest.mark.parametrize('fields', [{'source': '/x'}, {'size_bytes': 0}, {'mode': 0o10000}, {'propagation': 'odd'}])
def test_a_tmpfs_has_no_source_and_sane_numbers(fields):
    assert refused(a_mount('/x', **fields)).startswith('mounts: ')


def test_two_mounts_do_not_share_a_target():
    mount = specs.Mount(kind=TMPFS, target='/x')
    assert 'twice' in refused(a_spec(mounts=(mount, mount)))


@pytest.mark.parametrize('device', [
    a_device('dev/x'), a_device('/dev'), a_device('/dev/'), a_device('/etc/passwd'), a_device('/dev/../etc/x'),
    a_device(host='/dev/x\n'), a_device(host='/dev/../etc/shadow'), a_device(permissions=''),
    a_device(permissions='rr'), a_device(permissions='x')])
def test_a_device_is_below_dev(device):
    assert refused(a_spec(devices=(device,))).startswith('devices: ')


def test_two_devices_do_not_share_a_path():
    assert 'twice' in refused(a_spec(devices=(a_device(), a_device(host='/dev/y'))))


@pytest.mark.parametrize('ulimit', [
    specs.Ulimit(name='nope', soft=1, hard=1), specs.Ulimit(name='nofile', soft=2, hard=1),
    specs.Ulimit(name='nofile', soft=-1, hard=1), specs.Ulimit(name='nofile', soft=-2, hard=-1)])
def test_a_ulimit_is_known_and_its_soft_limit_is_not_over_the_hard_one(ulimit):
    assert refused(a_spec(ulimits=(ulimit,))).startswith('ulimits: ')


def test_a_ulimit_is_given_once():
    ulimit = specs.Ulimit(name='nofile', soft=1, hard=1)
    assert 'twice' in refused(a_spec(ulimits=(ulimit, ulimit)))


@pytest.mark.parametrize('fields', [
    {'memory_bytes': 6 * MIB - 1}, {'memory_bytes': -1}, {'memory_reservation_bytes': 1},
    {'memory_bytes': 64 * MIB, 'memory_reservation_bytes': 65 * MIB},
    {'memory_bytes': 64 * MIB, 'memory_swap_bytes': 63 * MIB}, {'memory_bytes': 64 * MIB, 'memory_swap_bytes': -2},
    {'memory_swap_bytes': 0}, {'memory_swappiness': 101}, {'cpu_quota_us': 999}, {'cpu_quota_us': 0},
    {'cpu_period_us': 999}, {'cpu_period_us': 1_000_001}, {'cpu_shares': 1}, {'cpuset_cpus': ''},
    {'cpuset_cpus': '2-1'}, {'cpuset_cpus': '0,'}, {'cpuset_cpus': '0 1'}, {'cpuset_cpus': '0\n'},
    {'cpuset_mems': 'x'}, {'cpuset_cpus': '9' * 5000}, {'cpuset_cpus': '٣'}, {'pids_limit': 0}, {'pids_limit': -2},
    {'blkio_weight': 9}, {'blkio_weight': 1001}, {'root_size_bytes': 0},
    {'read_bps': (specs.Throttle(device='vda', rate=1),)}, {'write_iops': (specs.Throttle(device='/dev/vda', rate=0),)},
])
def test_limits_are_within_what_the_kernel_takes(fields):
    resources = specs.Resources(**fields)
    with pytest.raises(errors.InvalidSpec) as raised:
        validate.check_resources(resources)
    assert str(raised.value).startswith(list(fields)[-1])
    assert refused(a_spec(resources=resources))


def test_swap_without_memory_passes_for_an_update_only():
    resources = specs.Resources(memory_swap_bytes=64 * MIB)
    validate.check_resources(resources)
    assert 'memory_swap_bytes' in refused(a_spec(resources=resources))


@pytest.mark.parametrize('fields', [
    {'shm_bytes': 0}, {'oom_score_adj': 1001}, {'oom_score_adj': -1001}, {'log': specs.LogLimits(file_bytes=10)},
    {'log': specs.LogLimits(files=0)}, {'restart': specs.RestartPolicy(name='sometimes')},
    {'restart': specs.RestartPolicy(name='always', maximum_retries=1)},
    {'restart': specs.RestartPolicy(name='on-failure', maximum_retries=-1)},
    {'auto_remove': True, 'restart': specs.RestartPolicy(name='always')},
    {'labels': {'': 'x'}}, {'labels': {'a=b': 'x'}}, {'labels': {'a': '\0'}}, {'labels': {'a': 'x' * (MIB + 1)}},
    {'security': specs.Security(masked_paths=('proc',))}, {'security': specs.Security(read_only_paths=('/a/../b',))},
    {'security': specs.Security(groups=('a:b',))},
    {'network': specs.NetworkSpec(container='x')},
    {'network': specs.NetworkSpec(mode=specs.NetworkMode.CONTAINER)},
    {'network': specs.NetworkSpec(dns=('not-an-address',))}, {'network': specs.NetworkSpec(dns_search=('a\nb',))},
    {'network': specs.NetworkSpec(dns_options=('',))}, {'network': specs.NetworkSpec(extra_hosts=('x',))},
    {'network': specs.NetworkSpec(extra_hosts=('x:1.2.3.4\n6.6.6.6 y',))},
    {'process': specs.ProcessSpec(stop_timeout_s=-2)},
])
def test_other_fields_are_within_reason(fields):
    assert refused(a_spec(**fields))


def test_a_message_shows_a_tenants_text_short_and_without_controls():
    said = refused(a_spec(name='\x1b[31m\n' + 'x' * 10_000))
    assert said.isprintable()
    assert len(said) < 400


def test_an_exec_is_checked_like_a_process():
    validate.check_exec(specs.ExecSpec(command=('sh', '-c', ''), env=('A=1',), cwd='/tmp', user='root'))
    for fields in ({'command': ()}, {'command': ('',)}, {'command': ('a\0',)}, {'command': ('a',), 'env': ('=x',)},
                   {'command': ('a',), 'cwd': '/proc/self/fd/7'}, {'command': ('a',), 'user': 'a b'}):
        with pytest.raises(errors.InvalidSpec):
            validate.check_exec(specs.ExecSpec(**fields))
