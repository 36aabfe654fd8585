# SPDX-License-Identifier: Apache-2.0
"""DNS messages: what is asked is understood, what is answered is understood by another implementation."""

import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova_container.runtime.networks import names


def asked(name, kind='A', **options):
    return names.parse(dns.message.make_query(name, kind, **options).to_wire())


def answered(message):
    return dns.message.from_wire(message)


@pytest.mark.parametrize(('kind', 'number'), [('A', names.A), ('AAAA', names.AAAA), ('PTR', names.PTR)])
def test_a_question_is_read(kind, number):
    query = asked('Web.Blue.', kind)
    assert (query.name, query.kind, query.udp_bytes) == ('web.blue', number, 512)


def test_the_room_of_a_datagram_is_read():
    assert asked('web', use_edns=0, payload=1232).udp_bytes == 1232
    assert asked('web', use_edns=0, payload=65000).udp_bytes == 4096
    assert asked('web', use_edns=0, payload=100).udp_bytes == 512


def test_addresses_of_the_kind_asked_for_are_answered():
    found = ['10.0.0.2', 'fd00::2', '10.0.0.3']
    four = answered(names.of_addresses(asked('web'), found, udp=True))
    assert sorted(str(each) for each in four.answer[0]) == ['10.0.0.2', '10.0.0.3']
    assert four.flags & dns.flags.AA
    assert four.flags & dns.flags.RA
    six = answered(names.of_addresses(asked('web', 'AAAA'), found, udp=True))
    assert [str(each) for each in six.answer[0]] == ['fd00::2']
    none = answered(names.of_addresses(asked('web', 'MX'), found, udp=True))
    assert (none.rcode(), none.answer) == (dns.rcode.NOERROR, [])


def test_names_of_addresses_are_answered():
    query = asked('2.0.0.10.in-addr.arpa', 'PTR')
    assert names.reversed_address(query.name) == '10.0.0.2'
    found = answered(names.of_name(query, 'web.blue', udp=True))
    assert str(found.answer[0][0]) == 'web.blue.'
    assert names.reversed_address('1.' + '0.' * 27 + '0.0.d.f.ip6.arpa') == 'fd00::1'
    assert names.reversed_address('web') is None
    assert names.reversed_address('x.0.0.10.in-addr.arpa') is None


def test_what_does_not_fit_a_datagram_is_marked():
    many = [f'10.0.{number // 250}.{number % 250 + 1}' for number in range(100)]
    cut = answered(names.of_addresses(asked('web'), many, udp=True))
    assert cut.flags & dns.flags.TC
    assert 0 < len(cut.answer[0]) < 100
    whole = answered(names.of_addresses(asked('web'), many, udp=False))
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 100


def test_a_refusal_is_read():
    found = answered(names.refusal(asked('web'), names.SERVER_FAILURE))
    assert (found.rcode(), found.question[0].name) == (dns.rcode.SERVFAIL, dns.name.from_text('web'))


def test_an_answer_to_another_question_is_none():
    query = asked('web')
    right = names.of_addresses(query, ['10.0.0.2'], udp=True)
    assert names.is_answer(right, query)
    assert not names.is_answer(struct.pack('!H', query.id ^ 1) + right[2:], query)
    assert not names.is_answer(query.raw, query)
    other = names.parse(query.raw[:2] + asked('wow').raw[2:])
    assert not names.is_answer(names.of_addresses(other, ['10.0.0.2'], udp=True), query)


@pytest.mark.parametrize('message', [
    b'', b'\0' * 11, b'\0' * 12, dns.message.make_response(dns.message.make_query('a', 'A', id=1)).to_wire(),
    dns.message.make_query('a', 'A', rdclass='CH', id=1).to_wire(),
    struct.pack('!HHHHHH', 1, 0, 1, 0, 0, 0) + b'\xc0\x0c\0\1\0\1',
    struct.pack('!HHHHHH', 1, 0, 1, 0, 0, 0) + b'\x05ab',
    struct.pack('!HHHHHH', 1, 0, 1, 0, 0, 0) + b'\x3f' + b'a' * 63 + (b'\x3f' + b'a' * 63) * 4 + b'\0\0\1\0\1'])
def test_what_is_no_question_is_malformed(message):
    with pytest.raises(names.Malformed):
        names.parse(message)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_a_question_or_malformed(data, headed):
    message = struct.pack('!HHHHHH', 1, 0x100, 1, 0, 0, 0) + data if headed else data
    try:
        query = names.parse(message)
    except names.Malformed:
        return
    assert names.of_addresses(query, ['10.0.0.1'], udp=True)[:2] == message[:2]
