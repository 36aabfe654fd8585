# SPDX-License-Identifier: Apache-2.0
"""Tars made again from what containers/storage keeps of them."""

import base64
import io
import json
import os

import pytest

from nova_container import errors
from nova_container.image import tar_split


def described(*entries):
    return io.BytesIO(b''.join(json.dumps(entry).encode() + b'\n' for entry in entries))


def segment(content):
    return {'type': 2, 'payload': base64.b64encode(content).decode()}


def made(*entries):
    return b''.join(tar_split.pieces(described(*entries)))


@pytest.fixture(autouse=True)
def layer(tmp_path, monkeypatch):
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc' / 'file').write_bytes(b'content')
    (tmp_path / 'etc' / 'link').symlink_to('file')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_segments_and_files_come_in_order():
    assert made(segment(b'head'), {'type': 1, 'name': 'etc/', 'payload': None}, segment(b'er'),
                {'type': 1, 'name': '/etc/file', 'size': 7, 'payload': 'AAAAAAAAAAA='}, segment(b'end')) == \
        b'headercontentend'


def test_a_name_that_is_no_utf_8_is_raw(layer):
    (layer / 'odd').write_bytes(b'x')
    (layer / 'odd').rename(os.fsdecode(os.fsencode(layer) + b'/o\xffdd'))
    raw = base64.b64encode(b'o\xffdd').decode()
    assert made({'type': 1, 'name_raw': raw, 'size': 1}) == b'x'


@pytest.mark.parametrize('entry', [
    {'type': 1, 'name': 'etc/file', 'size': 8}, {'type': 1, 'name': 'etc/none', 'size': 1},
    {'type': 1, 'name': 'etc/link', 'size': 7}, {'type': 1, 'name': 'etc', 'size': 7}, {'type': 1, 'size': 7},
    {'type': 2, 'payload': '*'}, {'payload': ''}, [], {'type': 1, 'name': 'etc/file', 'size': 'x'},
])
def test_what_is_not_as_described_is_refused(entry):
    with pytest.raises(errors.Corrupt):
        made(entry)


def test_what_is_no_description_is_refused():
    with pytest.raises(errors.Corrupt, match='description of a layer is damaged'):
        b''.join(tar_split.pieces(io.BytesIO(b'\0\1\n')))
