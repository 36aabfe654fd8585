# SPDX-License-Identifier: Apache-2.0
"""Packaging entry; all of it is in setup.cfg, the version comes from git through pbr."""

import setuptools

setuptools.setup(pbr=True)
