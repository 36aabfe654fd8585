# SPDX-License-Identifier: Apache-2.0
"""Updates that fail, are called off, or change everything at once, in a real heat-engine with convergence."""

from tests.cloud.heat import updates
from tests.cloud.heat.stacks import Stacks
from tests.fixtures.registry import free_port


def test_after_updates_that_failed_the_next_one_mends_all(stacks: Stacks, images, containers):
    updates.fails_and_fails_again(stacks, containers.client, 'local', free_port())


def test_network_volume_and_container_change_and_come_back_together(stacks: Stacks, images, containers):
    updates.changes_all_at_once(stacks, containers.client, 'local', free_port())


def test_an_update_is_called_off_with_and_without_a_rollback(stacks: Stacks, images, containers):
    updates.is_called_off(stacks, containers.client, 'local', free_port())
