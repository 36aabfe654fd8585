# SPDX-License-Identifier: Apache-2.0
"""What may run side by side (``pytest -n 2 --dist loadgroup``): the cloud, the engines, and each file of unit tests."""

import pytest

_ALONE = {'cloud': 'cloud', 'conformance': 'engines', 'functional': 'engines'}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Tests of a group run one after the other: they share a minicloud, or look at the machine as a whole."""
    for item in items:
        place = item.path.relative_to(config.rootpath / 'tests')
        item.add_marker(pytest.mark.xdist_group(_ALONE.get(place.parts[0], str(place))))
