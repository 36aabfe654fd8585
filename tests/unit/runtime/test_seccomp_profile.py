# SPDX-License-Identifier: Apache-2.0
"""The policy's decisions, from the rules and from the compiled program, without a kernel."""

import platform
import struct
import unittest
from unittest import mock

from nova_container import errors
from nova_container.host import seccomp
from nova_container.runtime import capabilities, seccomp_profile

ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
X86_64, X86 = 0xC000003E, 0x40000003


def decision(program, architecture, number, *arguments):
    """Run a BPF program as the kernel would on struct seccomp_data."""
    data = struct.pack('=IIQ6Q', number, architecture, 0, *(arguments + (0,) * 6)[:6])
    instructions = list(struct.iter_unpack('=HBBI', program))
    at, accumulator = 0, 0
    while True:
        code, if_true, if_false, k = instructions[at]
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from('=I', data, k)[0]
        elif code == 0x54:
            accumulator &= k
        elif code == 0x06:
            return k
        elif code == 0x05:
            at += k
        else:
            holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k, 0x45: accumulator & k}[code]
            at += if_true if holds else if_false


def names(rules):
    return {name for rule in rules if rule.errno is None and not rule.comparisons for name in rule.names}


class RulesTest(unittest.TestCase):

    def test_what_leads_out_of_a_container_is_not_named(self):
        allowed = names(seccomp_profile.rules_for(capabilities.DEFAULT))
        self.assertFalse(allowed & {
            'add_key', 'bpf', 'clone', 'clone3', 'fsopen', 'init_module', 'io_uring_enter', 'io_uring_register',
            'io_uring_setup', 'kexec_file_load', 'kexec_load', 'keyctl', 'mount', 'move_mount', 'open_by_handle_at',
            'open_tree', 'perf_event_open', 'personality', 'pivot_root', 'quotactl', 'reboot', 'request_key', 'setns',
            'socket', 'swapon', 'syslog', 'umount2', 'unshare', 'userfaultfd'})

    def test_some_stay_shut_with_every_capability(self):
        allowed = names(seccomp_profile.rules_for(capabilities.KNOWN))
        self.assertFalse(allowed & {'add_key', 'io_uring_setup', 'kexec_load', 'keyctl', 'pivot_root', 'request_key',
                                    'swapon', 'userfaultfd'})

    def test_each_capability_opens_its_own_calls(self):
        closed = names(seccomp_profile.rules_for(frozenset()))
        for capability, call in (('CAP_SYS_ADMIN', 'mount'), ('CAP_SYSLOG', 'syslog'), ('CAP_SYS_CHROOT', 'chroot'),
                                 ('CAP_BPF', 'bpf'), ('CAP_SYS_TIME', 'clock_settime'), ('CAP_SYS_NICE', 'mbind'),
                                 ('CAP_DAC_READ_SEARCH', 'open_by_handle_at'), ('CAP_SYS_MODULE', 'init_module')):
            with self.subTest(capability):
                self.assertNotIn(call, closed)
                self.assertIn(call, names(seccomp_profile.rules_for(frozenset({capability}))))

    def test_no_call_is_named_twice_without_a_capability(self):
        unconditional = seccomp_profile.rules_for(frozenset())[0].names
        self.assertEqual(len(unconditional), len(set(unconditional)))

    def test_the_order_is_the_same_each_time(self):
        self.assertEqual(seccomp_profile.rules_for(capabilities.KNOWN),
                         seccomp_profile.rules_for(frozenset(reversed(sorted(capabilities.KNOWN)))))

    def test_the_oci_form_says_the_same(self):
        policy = seccomp_profile.as_oci(capabilities.DEFAULT)
        rules = seccomp_profile.rules_for(capabilities.DEFAULT)
        self.assertEqual(('SCMP_ACT_ERRNO', 1), (policy['defaultAction'], policy['defaultErrnoRet']))
        self.assertEqual([list(rule.names) for rule in rules], [entry['names'] for entry in policy['syscalls']])
        self.assertIn({'names': ['clone3'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38}, policy['syscalls'])
        self.assertIn({'names': ['clone'], 'action': 'SCMP_ACT_ALLOW', 'args': [
            {'index': 0, 'value': 0x7E020000, 'valueTwo': 0, 'op': 'SCMP_CMP_MASKED_EQ'}]}, policy['syscalls'])


@unittest.skipUnless(platform.machine() == 'x86_64', 'numbers of calls are those of x86_64')
class ProgramTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.program = seccomp_profile.program_for(capabilities.DEFAULT)
        cls.powerful = seccomp_profile.program_for(capabilities.KNOWN)

    def decide(self, number, *arguments, architecture=X86_64):
        return decision(self.program, architecture, number, *arguments)

    def test_ordinary_calls_pass_and_others_do_not(self):
        self.assertEqual(ALLOW, self.decide(0))                    # read
        self.assertEqual(ALLOW, self.decide(161))                  # chroot, by CAP_SYS_CHROOT
        for number in (165, 250, 272, 321, 323, 425, 246, 308):    # mount keyctl unshare bpf userfaultfd io_uring ...
            self.assertEqual(EPERM, self.decide(number), number)

    def test_every_family_of_sockets_but_two_passes(self):
        refused = [family for family in range(48) if self.decide(41, family) != ALLOW]
        self.assertEqual([38, 40], refused)

    def test_the_high_half_of_a_register_hides_no_family(self):
        for high in (1, 0xFFFFFFFF):
            self.assertEqual(EPERM, self.decide(41, high << 32 | 38))
            self.assertEqual(EPERM, self.decide(41, high << 32 | 40))
            self.assertEqual(ALLOW, self.decide(41, high << 32 | 2))

    def test_clone_makes_processes_but_no_namespaces(self):
        self.assertEqual(ALLOW, self.decide(56, 0x3D0F00))
        for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
            self.assertEqual(EPERM, self.decide(56, flag | 17))

    def test_clone3_is_as_if_the_kernel_had_none(self):
        self.assertEqual(ENOSYS, self.decide(435))
        self.assertEqual(ALLOW, decision(self.powerful, X86_64, 435))

    def test_personality_takes_five_values(self):
        for value in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF):
            self.assertEqual(ALLOW, self.decide(135, value))
        self.assertEqual(EPERM, self.decide(135, 0x40000))

    def test_calls_of_the_future_are_as_if_the_kernel_had_none(self):
        for number in (600, 999, 0xFFFFFFFF):
            self.assertEqual(ENOSYS, self.decide(number))
        self.assertEqual(ENOSYS, self.decide(999, architecture=X86))

    def test_programs_of_32_bits_meet_the_same_policy(self):
        self.assertEqual(ALLOW, self.decide(20, architecture=X86))                  # getpid
        self.assertEqual(EPERM, self.decide(288, architecture=X86))                 # keyctl
        self.assertEqual(EPERM, self.decide(310, 0x10000000, architecture=X86))     # unshare
        self.assertEqual(ALLOW, self.decide(0x40000000 | 39))                       # getpid of x32
        self.assertEqual(EPERM, self.decide(0x40000000 | 250))                      # keyctl of x32

    def test_a_foreign_architecture_does_not_run(self):
        self.assertEqual(0, self.decide(0, architecture=0xC00000B7) & 0x7FFF0000)

    def test_a_name_that_the_library_does_not_know_is_skipped(self):
        program = seccomp.compile_program([seccomp.Rule(('read', 'read_of_the_year_2040'))], 1)
        self.assertEqual(ALLOW, decision(program, X86_64, 0))

    def test_it_fits_the_kernel(self):
        self.assertLess(len(self.powerful) // 8, 4096)

    def test_a_host_without_the_library_says_what_to_install(self):
        seccomp._library.cache_clear()
        with mock.patch.object(seccomp.ctypes, 'CDLL', side_effect=OSError('not found')), \
                self.assertRaisesRegex(errors.HostFailure, 'install the package libseccomp2'):
            seccomp_profile.program_for(frozenset())
