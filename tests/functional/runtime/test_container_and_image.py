# SPDX-License-Identifier: Apache-2.0
"""What a container has of its image, and an image of its container."""

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from tests.fixtures import busybox_image
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root


def test_an_image_gives_its_labels_but_none_by_which_services_know_what_is_theirs(engine, tmp_path):
    labels = {'org.openstack.nova.uuid': 'x', 'org.openstack.heat.project_id': 'x', 'org.nova-container.sandbox': '{}',
              'org.opencontainers.image.title': 'box'}
    busybox_image.build(tmp_path / 'box.tar', 'labelled:1', config={'Labels': labels})
    with open(tmp_path / 'box.tar', 'rb') as archive:
        engine.load(archive)
    container = engine.create(spec_of('true', image='labelled:1', labels={'own': '1'}))
    assert engine.inspect(container).labels == {'org.opencontainers.image.title': 'box', 'own': '1'}


@pytest.mark.parametrize('config', [
    {'Cmd': 5}, {'Cmd': ['a\0b']}, {'Env': 'x'}, {'Labels': ['x']}, {'ExposedPorts': 3}, {'User': {}}])
def test_what_is_no_configuration_makes_no_image(engine, config):
    container, before = engine.create(spec_of('true')), engine.list_images()
    with pytest.raises(errors.UnacceptableImage):
        engine.commit(container, specs.CommitSpec(reference='broken:1', config=config))
    assert engine.list_images() == before
