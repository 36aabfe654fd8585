# SPDX-License-Identifier: Apache-2.0
"""``make tempest-smoke``: OpenStack's own smoke tests against the minicloud."""
