# SPDX-License-Identifier: Apache-2.0
"""What the tests of stacks share."""

from collections.abc import Iterator

import pytest

from tests.unit.heat import stacks


@pytest.fixture
def cloud() -> Iterator[stacks.Cloud]:
    with stacks.Cloud() as made:
        yield made
