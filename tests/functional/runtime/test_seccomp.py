# SPDX-License-Identifier: Apache-2.0
"""The default policy in the kernel: compiled for crun, as JSON for runc, with the same decisions."""

import dataclasses
import os
import platform
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import pytest

from nova_container.engine import spec as specs
from nova_container.runtime import capabilities, seccomp_profile
from tests.fixtures.oci import bundles

_REFUSED = '''keyctl add_key request_key userfaultfd io_uring_setup bpf perf_event_open kexec_load unshare-user
    unshare-nothing setns mount clone-user socket-alg socket-alg-high-bits socket-vsock personality-no-random
    open_by_handle_at syslog settimeofday swapon i386-keyctl i386-unshare-user i386-socket-alg'''
_ABSENT = 'clone3 unknown-call x32-getpid i386-unknown-call'
_ALLOWED = 'clone-plain socket-netlink socket-unix socket-inet6 personality-query ptrace-me chroot i386-getpid thread'
EXPECTED = {**dict.fromkeys(_REFUSED.split(), 'EPERM'), **dict.fromkeys(_ABSENT.split(), 'ENOSYS'),
            **dict.fromkeys(_ALLOWED.split(), 'ok'), 'statx': 'EFAULT'}


@pytest.mark.root
@unittest.skipUnless(os.geteuid() == 0, 'only root runs containers')
@unittest.skipUnless(platform.machine() == 'x86_64', 'the probe calls by numbers of x86_64')
@unittest.skipUnless(shutil.which('gcc'), 'gcc is not installed: the probe cannot be built')
class SeccompTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='nova-container-probe-')
        cls.addClassCleanup(folder.cleanup)
        cls.probe = Path(folder.name, 'probe')
        subprocess.run(['gcc', '-static', '-pthread', '-O1', '-o', cls.probe, bundles.PROBE], check=True)

    def sandbox(self, runtime):
        if shutil.which(runtime) is None:
            self.skipTest(f'{runtime} is not installed')
        sandbox = bundles.Sandbox(Path(tempfile.mkdtemp(prefix='nova-container-')), runtime)
        self.addCleanup(sandbox.close)
        shutil.copy(self.probe, sandbox.rootfs / 'bin/probe')
        return sandbox

    def decisions(self, result):
        self.assertEqual(0, result.code, result.output)
        found = dict(line.split() for line in result.output.splitlines())
        # Known to some versions of libseccomp: then allowed, and the bad descriptor is seen.
        self.assertIn(found.pop('fchmodat2'), ('ENOSYS', 'EBADF'))
        return found

    def probed(self, runtime, **security):
        return self.decisions(self.sandbox(runtime).sh('exec probe', security=specs.Security(**security)))

    def test_crun_with_the_compiled_filter_decides_as_the_policy_says(self):
        self.assertEqual(EXPECTED, self.probed('crun'))

    def test_runc_with_the_policy_in_json_decides_as_the_policy_says(self):
        self.assertEqual(EXPECTED, self.probed('runc'))

    def test_a_capability_opens_the_same_calls_on_both(self):
        opened = {'cap_add': ('SYS_ADMIN', 'SYSLOG')}
        crun, runc = self.probed('crun', **opened), self.probed('runc', **opened)
        self.assertEqual(crun, runc)
        for name in ('unshare-user', 'unshare-nothing', 'clone-user', 'syslog'):
            self.assertEqual('ok', crun[name], name)
        self.assertEqual(('EINVAL', 'EBADF'), (crun['clone3'], crun['setns']))
        self.assertEqual({'EPERM'}, {crun[name] for name in ('keyctl', 'io_uring_setup', 'userfaultfd', 'socket-alg')})

    def test_the_filter_holds_without_no_new_privileges_too(self):
        for runtime in ('crun', 'runc'):
            with self.subTest(runtime):
                self.assertEqual(EXPECTED, self.probed(runtime, no_new_privileges=False))

    def test_an_unconfined_container_has_none(self):
        for runtime in ('crun', 'runc'):
            with self.subTest(runtime):
                self.assertEqual('ok', self.probed(runtime, seccomp_unconfined=True)['keyctl'])

    def test_a_further_process_has_the_same_filter(self):
        for runtime in ('crun', 'runc'):
            with self.subTest(runtime):
                sandbox = self.sandbox(runtime)
                bundle = sandbox.bundle(bundles.a_spec(process=specs.ProcessSpec(command=('sleep', '60'))))
                with sandbox.running(bundle):
                    self.assertEqual(EXPECTED, self.decisions(sandbox.exec(bundle, ('probe',))))

    def test_both_forms_at_once_serve_both_runtimes(self):
        granted = capabilities.DEFAULT & capabilities.of_this_host()
        for runtime in ('crun', 'runc'):
            with self.subTest(runtime):
                sandbox = self.sandbox(runtime)
                bundle = dataclasses.replace(
                    sandbox.bundle(bundles.a_spec(process=specs.ProcessSpec(command=('probe',)))),
                    seccomp_bpf=seccomp_profile.program_for(granted), seccomp_json=seccomp_profile.as_oci(granted))
                self.assertEqual(EXPECTED, self.decisions(sandbox.run(bundle)))
