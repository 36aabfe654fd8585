# SPDX-License-Identifier: Apache-2.0
"""What a Dockerfile builds on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova_container import errors
from nova_container.image import dockerfile


def bases(text, **arguments):
    return dockerfile.read(text.encode(), arguments).bases


@pytest.mark.parametrize(('text', 'expected'), [
    ('FROM a', ('a',)), ('from a:1 as x', ('a:1',)), ('# c\n\nFROM a\nRUN x', ('a',)), ('FROM scratch', ()),
    ('FROM a AS one\nFROM one\nFROM b AS Two\nCOPY --from=two /x /y', ('a', 'b')),
    ('FROM a\nCOPY --from=b:1 /x /y\nCOPY --from=0 /x /y', ('a', 'b:1')),
    ('FROM a\nCOPY --chown=1 --from=b /x /y', ('a', 'b')), ('FROM a\nCOPY x --from=b', ('a',)),
    ('FROM a\nRUN --mount=type=bind,from=b,target=/x ls', ('a', 'b')), ('FROM a\nRUN echo --from=b', ('a',)),
    ('ARG V=1\nFROM a:${V}', ('a:1',)), ('ARG V\nFROM a:${V:-2}', ('a:2',)), ('ARG V=x\nFROM a:${V:+3}', ('a:3',)),
    ('ARG A=a\nARG B=$A/b\nFROM $B', ('a/b',)), ('FROM a\nARG V=1\nFROM b$V', ('a', 'b')),
    ('FROM --platform=linux/amd64 a', ('a',)), ('FROM \\\n# between\n  a \\\n  AS x\nFROM x', ('a',)),
    ('FROM a\nFROM\tb\nCOPY\t--from=c /x /y', ('a', 'b', 'c')),
    ('# escape=`\nFROM a`\n:1', ('a:1',)), ('FROM a\r\nRUN x\r\n', ('a',)), ('FROM a\nFROM a', ('a',)),
])
def test_the_images_it_takes_from_outside_are_found(text, expected):
    assert bases(text) == expected


def test_arguments_go_before_defaults():
    assert bases('ARG V=1\nFROM a:$V', V='9') == ('a:9',)
    assert bases('ARG V\nFROM a:$V', V='9') == ('a:9',)
    assert bases('FROM a$V', V='9') == ('a',)


def test_the_text_is_kept_but_for_the_variables_of_from():
    recipe = dockerfile.read(b'ARG V=1\nFROM a:$V \\\n  AS one\nRUN echo $V\n', {})
    assert recipe.text == 'ARG V=1\nFROM a:1 AS one\n\nRUN echo $V\n'


def test_ids_stand_for_names_of_images_but_not_of_stages():
    recipe = dockerfile.read(b'FROM a AS b\nFROM b\nFROM c\nRUN echo a\n', {}, {'a': 'sha256:1', 'b': 'sha256:2'})
    assert recipe.text == 'FROM sha256:1 AS b\nFROM b\nFROM c\nRUN echo a\n'


@pytest.mark.parametrize(('text', 'expected'), [
    ('FROM a\nCMD x "y"', 'FROM a\nCMD x "y"'),
    ('FROM a\nSHELL ["s", "-c"]\nCMD x "y"', 'FROM a\nSHELL ["s", "-c"]\nCMD ["s", "-c", "x \\"y\\""]'),
    ('FROM a\nSHELL ["s"]\nENTRYPOINT x \\\n  y\nRUN z', 'FROM a\nSHELL ["s"]\nENTRYPOINT ["s", "x   y"]\n\nRUN z'),
    ('FROM a\nSHELL ["s"]\nCMD ["x"]\nCMD []', 'FROM a\nSHELL ["s"]\nCMD ["x"]\nCMD []'),
    ('FROM a AS one\nSHELL ["s"]\nFROM One\nCMD x', 'FROM a AS one\nSHELL ["s"]\nFROM One\nCMD ["s", "x"]'),
    ('FROM a AS one\nSHELL ["s"]\nFROM b\nCMD x', 'FROM a AS one\nSHELL ["s"]\nFROM b\nCMD x'),
])
def test_a_command_for_the_shell_is_one_for_the_shell_of_its_stage(text, expected):
    assert dockerfile.read(text.encode(), {}).text == expected


@pytest.mark.parametrize('text', ['', 'RUN x', 'FROM', 'FROM a b c', 'FROM a AS', 'FROM $V', 'x' * (2 << 20)])
def test_what_cannot_be_understood_is_refused(text):
    with pytest.raises(errors.InvalidRequest):
        bases(text)


@given(st.text(alphabet='FROMARG \n\\$V{}:-+=#"abAS`', max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        bases(text)
    except errors.InvalidRequest:
        return


@pytest.mark.parametrize(('step', 'is_repeatable'), [
    ('ADD a /b', True), ('COPY $A /b', True), ('RUN wget http://x/y', True), ('ADD http://x/y /b', False),
    ('ADD $URL /b', False), ('ADD git@x:y.git /b', False), ('ADD\thttp://x/y /b', False),
    ('ONBUILD ADD https://x/y /b', False)])
def test_a_recipe_that_fetches_is_not_repeatable(step, is_repeatable):
    assert dockerfile.read(f'FROM box\n{step}\n'.encode(), {}).is_repeatable is is_repeatable
