# SPDX-License-Identifier: MIT
"""Hostile guests for a short while (`make fuzz-guest` for a long one): tests/guest/fuzz, two of them
that grant to each other, each with four vcpus."""
import pytest

import fuzzing
from conftest import combination


@pytest.mark.parametrize("snapshot", [combination("hospes", "ours")], indirect=True,
                         scope="session")
def test_hostile_guests(dom0):
    fuzzing.fuzz(dom0, seed=1, calls=20000)


@pytest.mark.full
@pytest.mark.parametrize("snapshot", [combination("xen", "ours")], indirect=True, scope="session")
def test_hostile_guests_on_xen(dom0):
    fuzzing.fuzz(dom0, seed=1, calls=20000)
