# SPDX-License-Identifier: Apache-2.0
"""Packaging entry; all of it is in setup.cfg."""

import setuptools

setuptools.setup()
