# SPDX-License-Identifier: Apache-2.0
"""Pages of the Heat resource types, written from their schemas."""
