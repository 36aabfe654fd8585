# SPDX-License-Identifier: Apache-2.0
"""What tests of the host share."""

import pytest

from nova_container.host import mounts


@pytest.fixture
def folder(tmp_path):
    """A folder in which nothing stays mounted."""
    yield tmp_path
    for mount in mounts.below(tmp_path):
        mounts.unmount(mount, detach=True)
