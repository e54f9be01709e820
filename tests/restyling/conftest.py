"""What tests of restyling share."""

import pytest


@pytest.fixture(scope='session')
def photo(face):
    """Returns a small real photo of an odd size, uint8 [41, 53, 3]."""
    return face[300:341, 400:453]


@pytest.fixture(scope='session')
def random_model(tmp_path_factory):
    """Returns the path of a small network with random weights and the styles 'wave' and 'udnie'."""
    import networks
    return networks.write_random(tmp_path_factory.mktemp('random') / 'random.pb')
