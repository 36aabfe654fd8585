# SPDX-License-Identifier: Apache-2.0
"""A profile in Docker's form becomes what an OCI runtime takes, for one machine, kernel and set of capabilities."""

import json

import pytest

from nova_container import errors
from nova_container.runtime import seccomp_custom

PROFILE = {
    'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38,
    'archMap': [{'architecture': 'SCMP_ARCH_AARCH64', 'subArchitectures': ['SCMP_ARCH_ARM']},
                {'architecture': 'SCMP_ARCH_X86_64', 'subArchitectures': ['SCMP_ARCH_X86', 'SCMP_ARCH_X32']}],
    'syscalls': [
        {'names': ['read', 'write'], 'action': 'SCMP_ACT_ALLOW'},
        {'name': 'open', 'action': 'SCMP_ACT_LOG', 'args': None},
        {'names': ['personality'], 'action': 'SCMP_ACT_ALLOW', 'args': [
            {'index': 0, 'value': 8, 'op': 'SCMP_CMP_EQ'}]},
        {'names': ['only_arm'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'arches': ['arm', 'arm64']}},
        {'names': ['not_intel'], 'action': 'SCMP_ACT_ALLOW', 'excludes': {'arches': ['amd64']}},
        {'names': ['ptrace'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'minKernel': '4.8'}},
        {'names': ['future'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'minKernel': '9.1'}},
        {'names': ['mount'], 'action': 'SCMP_ACT_ALLOW', 'includes': {'caps': ['CAP_SYS_ADMIN']}},
        {'names': ['clone3'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38, 'excludes': {'caps': ['CAP_SYS_ADMIN']}}]}


def names(machine='x86_64', capabilities=(), kernel='6.1.0-18-amd64', profile=PROFILE):
    found = seccomp_custom.as_oci(json.dumps(profile), frozenset(capabilities), machine, kernel)
    return [name for rule in found['syscalls'] for name in rule['names']]


def test_rules_are_those_of_the_machine_the_kernel_and_the_capabilities():
    assert names() == ['read', 'write', 'open', 'personality', 'ptrace', 'clone3']
    assert names('aarch64') == ['read', 'write', 'open', 'personality', 'only_arm', 'not_intel', 'ptrace', 'clone3']
    assert names(capabilities=['CAP_SYS_ADMIN'])[-1] == 'mount'
    assert 'ptrace' not in names(kernel='4.7.1') and 'future' in names(kernel='10.0')


def test_what_a_rule_says_comes_along():
    found = seccomp_custom.as_oci(json.dumps(PROFILE), frozenset(), 'x86_64', '6.1')
    assert (found['defaultAction'], found['defaultErrnoRet']) == ('SCMP_ACT_ERRNO', 38)
    assert found['architectures'] == ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
    assert found['syscalls'][2]['args'] == [{'index': 0, 'value': 8, 'valueTwo': 0, 'op': 'SCMP_CMP_EQ'}]
    assert found['syscalls'][-1]['errnoRet'] == 38


@pytest.mark.parametrize(('change', 'said'), [
    ({'defaultAction': 'SCMP_ACT_NOTIFY'}, 'not one of'), ({'defaultAction': None}, 'not one of'),
    ({'architectures': ['SCMP_ARCH_X86']}, 'not both'), ({'syscalls': [{'names': ['a']}]}, "'action' is missing"),
    ({'syscalls': [{'action': 'SCMP_ACT_ALLOW'}]}, "'name' is missing"), ({'syscalls': ['x']}, 'not an object'),
    ({'syscalls': 5}, 'cannot be used'), ({'defaultErrnoRet': 'x'}, 'whole number'),
    ({'defaultErrnoRet': float('inf')}, 'whole number'), ({'defaultErrnoRet': -1}, 'whole number'),
    ({'syscalls': [{'name': 'a', 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 6, 'value': 0, 'op': 'SCMP_CMP_EQ'}]}]},
     'whole number'),
    ({'syscalls': [{'name': 'a', 'action': 'SCMP_ACT_ALLOW', 'includes': {'minKernel': 'new'}}]}, 'not a version')])
def test_what_is_no_profile_is_refused(change, said):
    with pytest.raises(errors.InvalidSpec, match=said):
        names(profile=PROFILE | change)


@pytest.mark.parametrize('text', ['{', '[]', '{}', '[' * 100_000])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(errors.InvalidSpec, match='seccomp profile'):
        seccomp_custom.as_oci(text, frozenset())
