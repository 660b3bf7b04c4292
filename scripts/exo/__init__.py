# SPDX-License-Identifier: MIT
"""What stands behind scripts/run, scripts/test, scripts/matrix and scripts/decode."""
