# SPDX-License-Identifier: Apache-2.0
"""The behaviour that every engine promises.

A runner is a class ``Test...(EngineSuite)`` in a module with the fixtures ``engine`` (an open engine) and
``engine_is_real`` (whether a kernel is behind it). What an engine cannot offer stands, with the reason, in the
runner's ``cannot``: a mapping from a behaviour's name, or that of one of its cases, to why not.
"""

from collections.abc import Mapping
from typing import ClassVar

from tests.conformance.suite_exec import ExecSuite
from tests.conformance.suite_files import FilesSuite
from tests.conformance.suite_health import HealthSuite
from tests.conformance.suite_identity import IdentitySuite
from tests.conformance.suite_images import ImagesSuite
from tests.conformance.suite_lifecycle import LifecycleSuite
from tests.conformance.suite_networks import NetworksSuite
from tests.conformance.suite_process import ProcessSuite
from tests.conformance.suite_registry import RegistrySuite
from tests.conformance.suite_sharing import SharingSuite
from tests.conformance.suite_streams import StreamsSuite
from tests.conformance.suite_system import SystemSuite
from tests.conformance.suite_volumes import VolumesSuite


class EngineSuite(LifecycleSuite, IdentitySuite, ProcessSuite, StreamsSuite, ExecSuite, FilesSuite, ImagesSuite,
                  SystemSuite, VolumesSuite, HealthSuite, NetworksSuite, RegistrySuite, SharingSuite):
    """All of it."""

    cannot: ClassVar[Mapping[str, str]] = {}
