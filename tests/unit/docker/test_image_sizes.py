# SPDX-License-Identifier: Apache-2.0
"""What images take, of their own and together with others, and by the steps that made them."""

from nova_container.docker.wire import images
from nova_container.engine import ImageInfo


def image(name, layers, history=()):
    return ImageInfo(id=name, references=(), created_at=0.0, size_bytes=sum(layers.values()), diff_ids=tuple(layers),
                     layer_bytes=tuple(layers.values()), architecture='', os='', config={}, history=history)


def test_what_is_shared_are_the_layers_that_other_images_have_too():
    found = [image('base', {'a': 100}), image('child', {'a': 100, 'b': 20}), image('other', {'c': 3})]
    assert images.shared_bytes(found) == {'base': 100, 'child': 100, 'other': 0}
    assert images.layers_bytes(found) == 123


def test_a_layer_that_is_twice_in_one_image_is_not_shared():
    twice = ImageInfo(id='twice', references=(), created_at=0.0, size_bytes=20, diff_ids=('a', 'a'),
                      layer_bytes=(10, 10), architecture='', os='', config={})
    assert images.shared_bytes([twice]) == {'twice': 0}


def test_of_an_image_whose_layers_have_unknown_sizes_nothing_is_claimed():
    unknown = ImageInfo(id='it', references=(), created_at=0.0, size_bytes=20, diff_ids=('a',), architecture='', os='',
                        config={})
    assert images.shared_bytes([unknown, image('base', {'a': 100})]) == {'it': 0, 'base': 100}


def test_a_step_has_the_size_of_its_layer_and_none_if_it_made_none():
    steps = ({'created_by': 'one'}, {'created_by': 'two', 'empty_layer': True}, {'created_by': 'three'})
    body = images.history_body(image('it', {'a': 100, 'b': 20}, steps))
    assert [(step['CreatedBy'], step['Size'], step['Id']) for step in body] == [
        ('three', 20, 'it'), ('two', 0, '<missing>'), ('one', 100, '<missing>')]


def test_the_sizes_reach_the_client_of_our_own():
    told = image('it', {'a': 100, 'b': 20})
    assert images.image_of(images.image_body(told)).layer_bytes == (100, 20)
