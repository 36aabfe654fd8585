# SPDX-License-Identifier: Apache-2.0
"""Compile system call rules to the BPF program that seccomp(2) takes, by libseccomp."""

import contextlib
import ctypes
import dataclasses
import enum
import functools
import os
import platform
import struct
from collections.abc import Iterator, Sequence

from nova_container import errors


class Op(enum.Enum):
    """How an argument is compared; the value is libseccomp's ``enum scmp_compare``."""

    LESS = 2
    EQUAL = 4
    GREATER = 6
    MASKED_EQUAL = 7


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Argument ``index`` of the call against ``value``; for MASKED_EQUAL, argument & ``mask`` == ``value``."""

    index: int
    op: Op
    value: int
    mask: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Calls ``names``, if every comparison holds, are allowed, or fail with ``errno`` if that is set."""

    names: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    errno: int | None = None


_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NAME_UNKNOWN = -1
_ENOSYS = 38
_X32_BIT = 0x40000000

#: SCMP_ARCH_* of the native architecture and of those whose programs it also runs.
_X86_64, _X86, _X32, _AARCH64, _ARM = 0xC000003E, 0x40000003, 0x4000003E, 0xC00000B7, 0x40000028
_ARCHITECTURES = {'x86_64': (_X86_64, _X86, _X32), 'aarch64': (_AARCH64, _ARM)}


class _Argument(ctypes.Structure):
    _fields_ = [('arg', ctypes.c_uint), ('op', ctypes.c_int),
                ('datum_a', ctypes.c_uint64), ('datum_b', ctypes.c_uint64)]


@functools.cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL('libseccomp.so.2')
    except OSError as error:
        raise errors.HostFailure('libseccomp.so.2 is not installed: install the package libseccomp2') from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_release.restype = None
    library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
                                               ctypes.POINTER(_Argument)]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    return library


def compile_program(rules: Sequence[Rule], default_errno: int) -> bytes:
    """The BPF program (``struct sock_filter`` array) for this machine and the 32-bit architectures it also runs.

    What no rule allows fails with ``default_errno``; but calls newer than all that the rules name fail with ENOSYS,
    so that programs fall back to older ones (what runc does too, libcontainer/seccomp/patchbpf). Names that the
    installed libseccomp does not know are skipped. Costs some 10 ms: keep the result. Raises HostFailure.
    """
    architectures = _ARCHITECTURES.get(platform.machine(), ())
    with _filter(default_errno) as context:
        for architecture in architectures[1:]:
            _check('seccomp_arch_add', _library().seccomp_arch_add(context, architecture))
        for rule in rules:
            _add(context, rule)
        program = _export(context)
    return _newer_calls(rules, architectures) + program


@contextlib.contextmanager
def _filter(default_errno: int) -> Iterator[int]:
    context = _library().seccomp_init(_ERRNO | default_errno)
    if not context:
        raise errors.HostFailure('libseccomp could not make a filter')
    try:
        yield context
    finally:
        _library().seccomp_release(context)


def _add(context: int, rule: Rule) -> None:
    action = _ALLOW if rule.errno is None else _ERRNO | rule.errno
    arguments = (_Argument * len(rule.comparisons))(*map(_argument, rule.comparisons))
    for name in rule.names:
        number = _library().seccomp_syscall_resolve_name(name.encode())
        if number != _NAME_UNKNOWN:
            _check(f'seccomp_rule_add of {name}', _library().seccomp_rule_add_array(
                context, action, number, len(rule.comparisons), arguments))


def _argument(comparison: Comparison) -> _Argument:
    if comparison.op is Op.MASKED_EQUAL:
        return _Argument(comparison.index, comparison.op.value, comparison.mask, comparison.value)
    return _Argument(comparison.index, comparison.op.value, comparison.value, 0)


def _export(context: int) -> bytes:
    memory = os.memfd_create('seccomp', os.MFD_CLOEXEC)
    with open(memory, 'r+b') as file:
        _check('seccomp_export_bpf', _library().seccomp_export_bpf(context, memory))
        file.seek(0)
        return file.read()


def _check(what: str, code: int) -> None:
    if code < 0:
        raise errors.HostFailure(f'{what} failed: {os.strerror(-code)}')


def _newer_calls(rules: Sequence[Rule], architectures: Sequence[int]) -> bytes:
    """Instructions to put before the filter: ENOSYS above the highest number named, for each architecture."""
    return b''.join(_newer_calls_of(architecture, _highest(rules, architecture)) for architecture in architectures)


def _highest(rules: Sequence[Rule], architecture: int) -> int:
    resolve = _library().seccomp_syscall_resolve_name_arch
    return max(int(resolve(architecture, name.encode())) for rule in rules for name in rule.names)


def _newer_calls_of(architecture: int, highest: int) -> bytes:
    """If this is the architecture and the number is above ``highest``: ENOSYS; else go on after this block."""
    load, equal, greater, bits, give = 0x20, 0x15, 0x25, 0x45, 0x06
    number, token = 0, 4
    tail = [(load, 0, 0, number), (greater, 0, 1, highest), (give, 0, 0, _ERRNO | _ENOSYS)]
    if architecture in (_X86_64, _X32):
        # Both come with the token of x86_64; a bit of the number tells them apart.
        skip = (2, 0) if architecture == _X86_64 else (0, 2)
        tail.insert(1, (bits, *skip, _X32_BIT))
        architecture = _X86_64
    block = [(load, 0, 0, token), (equal, 0, len(tail), architecture), *tail]
    return b''.join(struct.pack('=HBBI', *instruction) for instruction in block)
