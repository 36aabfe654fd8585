# SPDX-License-Identifier: Apache-2.0
"""Documents of images as hostile input: cases 25 to 28, 41 and 42 of the abuse checklist."""

import dataclasses
import json
import time
from typing import Any

import pytest

from nova_container import errors
from nova_container.image import document, manifest
from nova_container.image.manifest import Descriptor, ImageConfig, Index, Manifest

D = 'sha256:' + 'ab' * 32
LAYER = {'mediaType': manifest.OCI_LAYER, 'digest': D, 'size': 5}


def config(**fields: Any) -> bytes:
    return json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': fields,
                       'rootfs': {'type': 'layers', 'diff_ids': [D]}}).encode()


def image(**fields: Any) -> bytes:
    return json.dumps({'schemaVersion': 2, 'config': LAYER, 'layers': [LAYER]} | fields).encode()


def test_a_manifest_survives_writing_and_reading() -> None:
    one = Manifest(Descriptor(manifest.OCI_CONFIG, D, 7), (Descriptor(manifest.OCI_LAYER, D, 9, {'a': 'b'}),))
    assert Manifest.parse(one.to_json()) == one
    both = Index((Descriptor(manifest.OCI_MANIFEST, D, 7, {}, {'os': 'linux', 'architecture': 'arm64'}),))
    assert Index.parse(both.to_json()) == both


def test_a_configuration_survives_writing_and_reading() -> None:
    one = ImageConfig('amd64', 'linux', {'Cmd': ['sh'], 'Labels': {'ü': 'ö'}}, (D,), ({'created_by': 'x'},),
                      '2024-01-01T00:00:00Z', 'v3', 'me')
    assert ImageConfig.parse(one.to_json()) == one
    bare = ImageConfig('amd64', 'linux')
    assert ImageConfig.parse(bare.to_json()) == bare
    assert b'created' not in bare.to_json()


def test_docker_s_nulls_mean_nothing() -> None:
    found = ImageConfig.parse(b'{"architecture":"amd64","os":"linux","config":{"Cmd":null,"Env":null,"Volumes":null},'
                              b'"rootfs":{"diff_ids":null},"history":null}')
    assert found.diff_ids == () and found.history == ()


@pytest.mark.parametrize('digest', ['sha256:../../../x', 'md5:' + 'a' * 32, D.upper(), D[:-1], None, 7, [D]])
def test_a_malformed_digest_is_refused(digest: object) -> None:
    with pytest.raises(errors.InvalidReference):
        Manifest.parse(image(layers=[LAYER | {'digest': digest}]))
    with pytest.raises(errors.InvalidReference):
        ImageConfig.parse(json.dumps({'rootfs': {'diff_ids': [digest]}}).encode())


@pytest.mark.parametrize('size', [None, -1, 1.5, '5', True, 1 << 63])
def test_a_descriptor_needs_a_size(size: object) -> None:
    with pytest.raises(errors.UnacceptableImage, match='size'):
        Manifest.parse(image(config=LAYER | {'size': size}))


@pytest.mark.parametrize('fields', [{'manifests': []}, {'manifests': [LAYER], 'layers': None}])
def test_a_document_that_is_both_manifest_and_index_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(errors.UnacceptableImage, match='ambiguous'):
        manifest.parse_either(image(**fields))


@pytest.mark.parametrize('content', [
    b'{"schemaVersion":2}', b'{"schemaVersion":1,"layers":[],"config":{}}', b'[]', b'"x"',
    b'{"schemaVersion":2,"layers":[]}', b'{"schemaVersion":2,"layers":{},"config":{}}'])
def test_a_document_that_is_neither_is_refused(content: bytes) -> None:
    with pytest.raises(errors.ContainerError) as caught:
        manifest.parse_either(content)
    assert isinstance(caught.value, errors.InvalidRequest)


def test_501_layers_are_refused_and_500_are_not() -> None:
    assert len(Manifest.parse(image(layers=[LAYER] * 500)).layers) == 500
    with pytest.raises(errors.UnacceptableImage, match='501 layers, more than 500'):
        Manifest.parse(image(layers=[LAYER] * 501))
    with pytest.raises(errors.UnacceptableImage, match='501 layers'):
        ImageConfig.parse(json.dumps({'rootfs': {'diff_ids': [D] * 501}}).encode())


def test_an_index_of_101_manifests_is_refused() -> None:
    content = json.dumps({'schemaVersion': 2, 'manifests': [LAYER] * 101}).encode()
    with pytest.raises(errors.UnacceptableImage, match='101 manifests, more than 100'):
        Index.parse(content)


def test_layers_and_diff_ids_must_agree_in_number() -> None:
    manifest.check_agreement(1, ImageConfig.parse(config()))
    with pytest.raises(errors.UnacceptableImage, match='2 layers, the configuration 1'):
        manifest.check_agreement(2, ImageConfig.parse(config()))


def test_a_manifest_of_50_mb_is_refused() -> None:
    with pytest.raises(errors.UnacceptableImage, match='more than 4194304'):
        Manifest.parse(image(annotations={'a': 'x' * 50_000_000}))


@pytest.mark.parametrize('content', [b'[' * 100_000, b'{"a":' * 100_000 + b'1' + b'}' * 100_000,
                                     b'{"config":' + b'[' * 40 + b']' * 40 + b'}'])
def test_a_document_nested_too_deep_is_refused_and_crashes_nothing(content: bytes) -> None:
    with pytest.raises(errors.UnacceptableImage, match='deeper than 32'):
        ImageConfig.parse(content)


def test_brackets_inside_strings_are_no_nesting() -> None:
    assert document.decode(json.dumps({'a': '[' * 100 + '\\"' + '{' * 100}).encode(), 'x') == {
        'a': '[' * 100 + '\\"' + '{' * 100}


@pytest.mark.parametrize('content', [b'\\"' * 2_000_000, b'"' * 4_000_001, b'"\\' * 2_000_000,
                                     b'"' + b'\\' * 3_999_999])
def test_hostile_quotes_take_linear_time(content: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(errors.UnacceptableImage):
        document.decode(content, 'document')
    assert time.monotonic() - started < 5


@pytest.mark.parametrize('content', [b'', b'{', b'nope', b'{"a":NaN}', b'\xff\xfe{', b'{"a":' + b'1' * 5000 + b'}'])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(errors.UnacceptableImage):
        document.decode_object(content, 'document')


@pytest.mark.parametrize('place', ['/proc/self/fd/7', '/proc', '//proc//self', '/a/../proc/self', 'proc/1/root',
                                   '/dev/fd/7', '/./proc/', '/x\0y'])
def test_a_working_directory_below_proc_is_refused(place: str) -> None:
    with pytest.raises(errors.UnacceptableImage, match='WorkingDir'):
        ImageConfig.parse(config(WorkingDir=place))


@pytest.mark.parametrize('place', ['', '/', '/process', '/srv/proc', '/a/../b'])
def test_other_working_directories_are_accepted(place: str) -> None:
    assert ImageConfig.parse(config(WorkingDir=place)).config['WorkingDir'] == place


@pytest.mark.parametrize(('fields', 'sentence'), [
    ({'Entrypoint': ['x' * (1 << 20)]}, 'An item of Entrypoint'), ({'Cmd': ['x' * (128 << 10)]}, 'An item of Cmd'),
    ({'Env': ['A=' + 'x' * 200_000]}, 'An item of Env'), ({'Env': [f'A{i}=x' for i in range(10_000)]}, '10000 items'),
    ({'Env': ['=x']}, 'NAME=value'), ({'Env': ['NAME']}, 'NAME=value'), ({'Env': ['']}, 'NAME=value'),
    ({'Env': ['A=1\0B=2']}, 'without NUL'), ({'Cmd': [5]}, 'list of strings'), ({'Cmd': {'a': 1}}, 'must be a list'),
    ({'Env': ['A=' + 'x' * 100_000] * 11}, '1100033 bytes together')])
def test_arguments_and_variables_beyond_the_limits_are_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(errors.UnacceptableImage, match=sentence):
        ImageConfig.parse(config(**fields))


def test_variables_that_only_matter_inside_the_container_are_accepted() -> None:
    assert ImageConfig.parse(config(Env=['LD_PRELOAD=', 'A=b=c'])).config['Env'] == ['LD_PRELOAD=', 'A=b=c']


def test_an_entrypoint_that_is_a_string_is_one_argument_as_in_old_docker() -> None:
    assert ImageConfig.parse(config(Entrypoint='/init')).config['Entrypoint'] == ['/init']


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ImageConfig('amd64', 'linux').os = 'plan9'  # type: ignore[misc]
