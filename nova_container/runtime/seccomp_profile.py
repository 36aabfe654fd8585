# SPDX-License-Identifier: Apache-2.0
"""The default system call policy, as data: Docker's decisions (moby/profiles v0.2, 2026), and stricter where noted.

What is not named fails with EPERM: among others keyctl, add_key, userfaultfd, io_uring_*, kexec_*, and without its
capability whatever makes namespaces or mounts. Names of all architectures are in one list, as Docker has them; a name
unknown to a machine or library is skipped.

Docker compares the whole 64-bit register of socket(2), whose family is an int: 1 << 32 | AF_ALG passes its filter and
reaches the kernel as AF_ALG. Here the low 32 bits decide. Left open, as in Docker: socketcall(2) of 32-bit x86.
"""

import errno
import platform

from nova_container.host import seccomp

Rule = seccomp.Rule

_FILES = '''
    access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
    fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
    fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64
    fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch
    inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 lgetxattr link linkat listmount listxattr
    listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat
    name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2
    read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir sendfile
    sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
    sync_file_range sync_file_range2 arm_sync_file_range arm_fadvise64_64 syncfs tee truncate truncate64 umask
    unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev'''
_MEMORY = '''
    brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
    mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease
    remap_file_pages'''
_PROCESSES = '''
    arch_prctl breakpoint cacheflush capget capset execve execveat exit exit_group fork futex futex_requeue
    futex_time64 futex_wait futex_waitv futex_wake getcpu getegid getegid32 geteuid geteuid32 getgid getgid32
    getgroups getgroups32 getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32
    getrlimit get_robust_list getrusage getsid get_thread_area gettid getuid getuid32 ioprio_get ioprio_set kill
    landlock_add_rule landlock_create_ruleset landlock_restrict_self modify_ldt pause pidfd_open pidfd_send_signal
    prctl prlimit64 ptrace process_vm_readv process_vm_writev restart_syscall riscv_flush_icache riscv_hwprobe rseq
    s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr sched_getaffinity sched_getattr sched_getparam
    sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
    sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
    seccomp setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setpriority
    setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list
    setsid set_thread_area set_tid_address set_tls setuid setuid32 swapcontext tgkill tkill ugetrlimit uretprobe
    vfork wait4 waitid waitpid'''
_SIGNALS_AND_TIME = '''
    adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep rt_sigaction rt_sigpending
    rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
    rt_tgsigqueueinfo setitimer sigaltstack signalfd signalfd4 sigprocmask sigreturn time timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64 times'''
_WAITING_AND_MESSAGES = '''
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
    eventfd2 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ipc
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
    mq_unlink msgctl msgget msgrcv msgsnd _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select semctl
    semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget'''
_NETWORK_AND_SYSTEM = '''
    accept accept4 bind connect getpeername getrandom getsockname getsockopt listen recv recvfrom recvmmsg
    recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair sysinfo uname'''

_UNCONDITIONAL = tuple(''.join((_FILES, _MEMORY, _PROCESSES, _SIGNALS_AND_TIME, _WAITING_AND_MESSAGES,
                                _NETWORK_AND_SYSTEM)).split())

_BY_CAPABILITY = {
    'CAP_BPF': 'bpf',
    'CAP_DAC_READ_SEARCH': 'open_by_handle_at',
    'CAP_PERFMON': 'perf_event_open',
    'CAP_SYSLOG': 'syslog',
    'CAP_SYS_ADMIN': '''bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
        lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
        setdomainname sethostname setns syslog umount umount2 unshare''',
    'CAP_SYS_BOOT': 'reboot',
    'CAP_SYS_CHROOT': 'chroot',
    'CAP_SYS_MODULE': 'delete_module finit_module init_module',
    'CAP_SYS_NICE': 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
    'CAP_SYS_PACCT': 'acct',
    'CAP_SYS_PTRACE': 'kcmp pidfd_getfd process_madvise',
    'CAP_SYS_RAWIO': 'ioperm iopl',
    'CAP_SYS_TIME': 'clock_settime clock_settime64 settimeofday stime',
    'CAP_SYS_TTY_CONFIG': 'vhangup',
}

#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NAMESPACE_FLAGS = 0x7E020000

#: PER_LINUX, ADDR_NO_RANDOMIZE and UNAME26 variants that programs use, and the query.
_PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)

#: Families 0 to 47 but AF_ALG (38) and AF_VSOCK (40), as (mask, value) of the low 32 bits.
_FAMILIES = ((0xFFFFFFE0, 0), (0xFFFFFFFC, 32), (0xFFFFFFFE, 36), (0xFFFFFFFF, 39), (0xFFFFFFFF, 41), (0xFFFFFFFE, 42),
             (0xFFFFFFFC, 44))

_ARCHITECTURES = {'x86_64': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
                  'aarch64': ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']}


def rules_for(capabilities: frozenset[str]) -> tuple[Rule, ...]:
    """The rules for a process that may hold ``capabilities`` (names with ``CAP_``), in a stable order."""
    rules = [Rule(_UNCONDITIONAL), *(Rule(('socket',), (_masked(mask, value),)) for mask, value in _FAMILIES),
             *(Rule(('personality',), (seccomp.Comparison(0, seccomp.Op.EQUAL, value),)) for value in _PERSONALITIES)]
    rules += [Rule(tuple(_BY_CAPABILITY[name].split())) for name in sorted(capabilities & _BY_CAPABILITY.keys())]
    if 'CAP_SYS_ADMIN' not in capabilities:
        # The flags of clone3 lie in memory that a filter cannot read; ENOSYS makes the C library use clone.
        rules += [Rule(('clone',), (_masked(_NAMESPACE_FLAGS, 0),)), Rule(('clone3',), errno=errno.ENOSYS)]
    return tuple(rules)


def program_for(capabilities: frozenset[str]) -> bytes:
    """The same policy as a BPF program for this machine. Some 10 ms: keep it per set of capabilities."""
    return seccomp.compile_program(rules_for(capabilities), errno.EPERM)


def as_oci(capabilities: frozenset[str]) -> dict[str, object]:
    """The same policy as ``linux.seccomp`` of an OCI config.json, for runtimes that compile it themselves."""
    policy: dict[str, object] = {'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': errno.EPERM,
                                 'syscalls': [_oci_rule(rule) for rule in rules_for(capabilities)]}
    if platform.machine() in _ARCHITECTURES:
        policy['architectures'] = _ARCHITECTURES[platform.machine()]
    return policy


def _masked(mask: int, value: int) -> seccomp.Comparison:
    return seccomp.Comparison(0, seccomp.Op.MASKED_EQUAL, value, mask)


def _oci_rule(rule: Rule) -> dict[str, object]:
    found: dict[str, object] = {'names': list(rule.names), 'action': 'SCMP_ACT_ALLOW'}
    if rule.errno is not None:
        found |= {'action': 'SCMP_ACT_ERRNO', 'errnoRet': rule.errno}
    if rule.comparisons:
        found['args'] = [_oci_comparison(comparison) for comparison in rule.comparisons]
    return found


def _oci_comparison(comparison: seccomp.Comparison) -> dict[str, object]:
    if comparison.op is seccomp.Op.MASKED_EQUAL:
        return {'index': comparison.index, 'value': comparison.mask, 'valueTwo': comparison.value,
                'op': 'SCMP_CMP_MASKED_EQ'}
    return {'index': comparison.index, 'value': comparison.value, 'op': 'SCMP_CMP_EQ'}
