# SPDX-License-Identifier: Apache-2.0
"""Stacks of container resources in the minicloud's heat-engine."""
