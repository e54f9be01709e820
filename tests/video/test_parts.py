"""What a killed run leaves: only what is whole and of the same film is gone on from."""

import os

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.video import parts
from resnet_in_tf.video.parts import Parts


def add(each, times, data=b'a'):
    temporary = each.temporary()
    with open(temporary, 'wb') as file:
        file.write(data)
    each.add(temporary, times)


def test_whole_segments_are_found_again_and_half_ones_go(tmp_path):
    target = str(tmp_path / 'a.mp4')
    first = Parts(target, {'--quality': 95})
    add(first, [0, 1])
    add(first, [2])
    with open(first.temporary(), 'wb') as file:
        file.write(b'half')
    first.store('000002.mkv.json', [3])  # killed before the segment had its name
    first.close()
    second = Parts(target, {'--quality': 95})
    assert [times for _, times in second.segments] == [[0, 1], [2]] and second.frames == 3
    assert not [name for name in os.listdir(second.folder) if name.endswith('.tmp')]


def test_another_command_does_not_go_on_and_removes_nothing(tmp_path):
    target = str(tmp_path / 'a.mp4')
    first = Parts(target, {'--quality': 95, '--exact': False})
    add(first, [0])
    first.close()
    with pytest.raises(UserError, match='another --quality; give --overwrite'):
        Parts(target, {'--quality': 90, '--exact': False})
    assert len(first.segment_names()) == 1
    anew = Parts(target, {'--quality': 90, '--exact': False}, anew=True)
    assert anew.segments == [] and anew.segment_names() == []
    anew.close()
    assert not os.path.exists(anew.folder)  # nothing in it


def test_two_processes_do_not_make_one_film(tmp_path):
    target = str(tmp_path / 'a.mp4')
    first = Parts(target, {})
    with pytest.raises(UserError, match='another process'):
        Parts(target, {})
    first.close()
    Parts(target, {}).close()


def test_the_folder_of_a_finished_film_goes_and_no_other(tmp_path):
    target = str(tmp_path / 'a.mp4')
    first = Parts(target, {})
    add(first, [0])
    Parts.remove_published(target)
    assert os.path.exists(first.folder)
    first.store(parts.PUBLISHED, True)
    Parts.remove_published(target)
    assert not os.path.exists(first.folder)


def test_publishing_gives_the_name_and_removes_the_folder(tmp_path):
    target = str(tmp_path / 'a.mp4')
    each = Parts(target, {})
    add(each, [0])
    joined = each.temporary()
    with open(joined, 'wb') as file:
        file.write(b'film')
    each.publish(joined)
    each.close()
    assert (tmp_path / 'a.mp4').read_bytes() == b'film' and os.listdir(str(tmp_path)) == ['a.mp4']
