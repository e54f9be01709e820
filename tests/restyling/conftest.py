"""What tests of restyling share."""

import pytest


@pytest.fixture(scope='session')
def photo(face):
    """Returns a small real photo of an odd size, uint8 [41, 53, 3]."""
    return face[300:341, 400:453]
