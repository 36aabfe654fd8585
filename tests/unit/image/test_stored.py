# SPDX-License-Identifier: Apache-2.0
"""Locations, records and recipes of images in a container store: what is written is read, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova_container import errors
from nova_container.image import stored
from nova_container.image.stored import Piece, Place, Recipe, Record

IMAGE = '961973d8-3360-4364-919e-2c197825dbb4'
DIGEST = 'sha256:' + 'a1' * 32
_DIGESTS = st.text('0123456789abcdef', min_size=64, max_size=64).map('sha256:'.__add__)


@given(_DIGESTS)
def test_a_uri_is_read_as_it_was_written(digest):
    place = Place(IMAGE, digest)
    assert Place.parse(place.uri) == place


@given(st.text())
def test_any_other_text_is_no_location(text):
    good = Place(IMAGE, DIGEST).uri
    for wrong in (text, f'container://{text}', f'container://{IMAGE}/{text}', f'{good}{text or "/"}'):
        with pytest.raises(errors.InvalidRequest):
            Place.parse(wrong)


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.one_of(st.just(''), _DIGESTS))), _DIGESTS)
def test_a_recipe_is_read_as_it_was_written(pieces, literals):
    made = tuple(Piece(*piece) for piece in pieces)
    recipe = Recipe(IMAGE, sum(piece.size for piece in made), made, literals)
    assert Recipe.parse(recipe.to_json()) == recipe
    record = Record.of(recipe, {piece.digest: piece.size for piece in made if piece.digest})
    assert Record.parse(record.to_json()) == record


def test_two_records_of_the_same_image_differ():
    assert Recipe(IMAGE, 0, ()).to_json() != Recipe(IMAGE, 0, ()).to_json()


@pytest.mark.parametrize('change', [
    {'version': 2}, {'size': 5}, {'size': -1}, {'size': True}, {'image': '../x'}, {'pieces': [[1]]}, {'pieces': None},
    {'literals': 'sha256:x'}, {'manifest': '/etc/passwd'}, {'nonce': 7}, {'created': 'now'}])
def test_a_damaged_recipe_is_told(change):
    good = json.loads(Recipe(IMAGE, 4, (Piece(4, DIGEST),)).to_json())
    with pytest.raises(errors.Corrupt):
        Recipe.parse(json.dumps(good | change).encode())


@pytest.mark.parametrize('content', [
    b'', b'{}', b'[]', b'{"artifactType": 1}', json.dumps({'artifactType': stored.ARTIFACT, 'layers': 3}).encode()])
def test_a_damaged_record_is_told(content):
    with pytest.raises(errors.Corrupt):
        Record.parse(content)
