# SPDX-License-Identifier: Apache-2.0
"""A whole engine in memory, which the conformance suite holds to the same rules as the real ones."""

from nova_container.engine.fake.engine import FakeEngine

__all__ = ['FakeEngine']
