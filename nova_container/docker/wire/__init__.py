# SPDX-License-Identifier: Apache-2.0
"""Translation between the contract's values and the JSON of the Docker Engine API. Pure: no I/O.

One module a noun, in each ``..._body`` (value to JSON) beside ``..._of`` (JSON to value).
"""
