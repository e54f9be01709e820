"""What a cluster cannot do is one line, said before any machine is asked; and what a machine has room for."""

import pytest

from resnet_in_tf.cluster import command, connection, crew
from resnet_in_tf.errors import UserError


@pytest.mark.parametrize('cluster', ['locl:2', 'local:0', 'local:', 'local:-1', 'ray://', 'ray://host',
                                     '10.0.0.1:6379'])
def test_an_address_that_is_none(tmp_path, cluster):
    with pytest.raises(UserError, match='is auto, for the Ray cluster of this machine'):
        command.restyle_places(cluster, None, str(tmp_path), str(tmp_path / 'out'), ('net.pb', {}), None)


@pytest.mark.parametrize('source, output, line', [
    ('in', 'in', 'is the folder of the pictures themselves'), ('none', 'out', 'No such file'),
    ('in/a.png', 'out', 'with --cluster, --input is a folder'), ('in/empty', 'out', 'no pictures here'),
    ('in', '.', 'holds --input')])
def test_folders_that_do_not_fit(tmp_path, source, output, line):
    (tmp_path / 'in' / 'empty').mkdir(parents=True)
    (tmp_path / 'in' / 'a.png').write_bytes(b'x')
    with pytest.raises(UserError, match=line):
        command.restyle_places('local:1', None, str(tmp_path / source), str(tmp_path / output),
                               ('net.pb', {}), None)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('resources, cores, workers, asked, own', [
    ({'CPU': 16.0}, 4, 4, {'num_cpus': 4}, 4),
    ({'CPU': 2.0}, 4, 1, {'num_cpus': 2}, 2),
    ({'CPU': 7.0}, 2, 3, {'num_cpus': 2}, 2),
    ({'CPU': 64.0, 'GPU': 8.0}, 4, 8, {'num_cpus': 8, 'num_gpus': 1}, 8),
    ({'CPU': 1.0, 'GPU': 2.0}, 4, 2, {'num_cpus': 0, 'num_gpus': 1}, 1),
    ({'memory': 1e9}, 4, 0, None, 0)])
def test_a_machine_has_room_for_a_worker_a_gpu_or_so_many_cores(resources, cores, workers, asked, own):
    room = crew.room(resources, cores)
    assert (room.workers, room.cores) == (workers, own)
    if workers:
        assert room.resources == asked and room.share * workers == 1


def test_workers_of_one_machine_share_its_cores():
    assert connection.cores_of_each('local:3', 8) == 2 and connection.cores_of_each('local:3', 2) == 1
    assert connection.parse('local:3', 8)['num_cpus'] == 6
    assert connection.cores_of_each('auto', 8) is None
    assert connection.parse('ray://head:10001', 8) == {'address': 'ray://head:10001'}
