# SPDX-License-Identifier: Apache-2.0
"""What the tests of stacks share."""

from collections.abc import Iterator

import pytest

from tests.unit.heat import own_conf

with own_conf.swapped():
    from tests.unit.heat import stacks


@pytest.fixture(autouse=True)
def _conf_of_heat() -> Iterator[None]:
    with own_conf.swapped():
        yield


@pytest.fixture
def cloud(_conf_of_heat: None) -> Iterator[stacks.Cloud]:
    with stacks.Cloud() as made:
        yield made
