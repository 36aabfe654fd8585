# SPDX-License-Identifier: Apache-2.0
"""An engine that has an image."""

import pytest

from tests.unit.heat.container import web


@pytest.fixture
def cloud(cloud):
    cloud.engine.add_image(web.IMAGE)
    return cloud
