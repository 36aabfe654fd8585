# SPDX-License-Identifier: Apache-2.0
"""``make demo``: the main job, shown step by step through the real clients."""
