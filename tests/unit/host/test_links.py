# SPDX-License-Identifier: Apache-2.0
"""Netlink messages, without a kernel."""

import socket
import struct
import unittest

from nova_container import errors
from nova_container.host import netlink


def an_answer(kind: int, sequence: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack('=LHHLL', 16 + len(body), kind, flags, sequence, 0) + body


def an_error(sequence: int, number: int, said: str = '') -> bytes:
    extra = netlink.text(1, said) if said else b''
    return an_answer(2, sequence, struct.pack('=l', -number) + b'\0' * 16 + extra, 0x300 if said else 0x100)


class AttributeTest(unittest.TestCase):

    def test_an_attribute_is_padded_to_four_bytes(self):
        self.assertEqual(b'\x08\x00\x03\x00lo1\x00', netlink.text(3, 'lo1'))
        self.assertEqual(b'\x07\x00\x03\x00lo\x00\x00', netlink.text(3, 'lo'))

    def test_what_was_packed_is_found_again(self):
        packed = netlink.number(4, 1450) + netlink.text(3, 'eth0') + netlink.nested(18, netlink.text(1, 'veth'))
        found = netlink.attributes(packed)
        self.assertEqual({3, 4, 18}, set(found))
        self.assertEqual(b'veth\0', netlink.attributes(found[18])[1])

    def test_garbage_ends_the_list_and_does_not_loop(self):
        self.assertEqual({}, netlink.attributes(b'\x00\x00\x03\x00'))


class ConnectionTest(unittest.TestCase):

    def setUp(self):
        self.kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.settimeout(1)
        self.connection = netlink.Connection(ours)
        self.addCleanup(self.kernel.close)
        self.addCleanup(self.connection.close)

    def test_an_acknowledged_request_returns_its_answers(self):
        self.kernel.send(an_answer(16, 1, b'body') + an_error(1, 0))
        self.assertEqual([b'body'], self.connection.request(netlink.GETLINK, b'', what='look'))

    def test_an_answer_to_an_earlier_request_is_passed_over(self):
        self.kernel.send(an_error(0, 22))
        self.kernel.send(an_error(1, 0))
        self.assertEqual([], self.connection.request(netlink.GETLINK, b'', what='look'))

    def test_the_words_of_the_kernel_are_in_the_error(self):
        self.kernel.send(an_error(1, 22, 'mtu greater than device maximum'))
        with self.assertRaisesRegex(errors.LinkFailed,
                                    r'Cannot set it: Invalid argument \(mtu greater than device maximum\)'):
            self.connection.request(netlink.NEWLINK, b'', what='set it')

    def test_there_already_and_not_there_are_classes_of_their_own(self):
        for number, expected in ((17, netlink.Exists), (19, netlink.Missing), (3, netlink.Missing)):
            self.kernel.send(an_error(self.connection._sequence + 1, number))
            with self.assertRaises(expected):
                self.connection.request(netlink.NEWLINK, b'', what='try')

    def test_a_kernel_that_does_not_answer_is_an_error_in_time(self):
        self.connection._sock.settimeout(0.01)
        with self.assertRaisesRegex(errors.LinkFailed, 'timed out'):
            self.connection.request(netlink.NEWLINK, b'', what='try')
