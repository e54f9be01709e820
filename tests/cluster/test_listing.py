"""Pictures of a cluster are found as everywhere, and never lie in one list."""

import itertools
import os

import pytest

from resnet_in_tf.cluster import places
from resnet_in_tf.cluster.listing import Listing, Picture, groups
from resnet_in_tf.errors import UserError
from resnet_in_tf.restyling import batch


def put(folder, *names):
    for name in names:
        path = os.path.join(str(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(b'x' * len(name))


def found(source, output, **options):
    """What a Listing gives: (dict of path -> path of its result, list of reasons, notes)."""
    failed = []
    listing = Listing(places.place(str(source)), places.place(str(output)),
                      on_failed=lambda name, reason: failed.append(reason), **options)
    jobs = {listing.source.full(each.name): listing.output.full(each.target) for each in listing}
    return jobs, failed, listing.notes


def test_results_have_the_names_that_they_have_without_a_cluster(tmp_path):
    photos = tmp_path / 'in'
    put(photos, 'a.gif', 'a.png', 'b.GIF', 'b.gif', 'c.gif', 'd.gif', 'd.png', 'd.gif.png', 'e.JPG',
        'sub/a.gif', 'sub/deep/f.webp', '.hidden.png', '.folder/g.png', 'h.txt', 'i.heic', 'j.png/k.png')
    os.symlink('sub', str(photos / 'link'))
    plan = batch.plan(str(photos), str(tmp_path / 'out'))
    jobs, failed, notes = found(photos, tmp_path / 'out')
    assert jobs == dict(plan.jobs)
    assert len(plan.failed) == 1 and failed == [reason for _, reason in plan.failed]
    assert len(notes) == 2 and '.heic' in notes[0] and '1 linked' in notes[1]


@pytest.mark.parametrize('output', ['in', 'in/sub/..', '.', 'link'])
def test_results_do_not_lie_among_the_pictures(tmp_path, output):
    put(tmp_path, 'in/a.png', 'in/sub/b.png')
    os.symlink('in', str(tmp_path / 'link'))
    with pytest.raises(UserError, match='--output'):
        found(tmp_path / 'in', tmp_path / output)


def test_results_in_a_folder_below_are_left_out(tmp_path):
    put(tmp_path, 'in/a.png', 'in/out/a.png', 'in/outer/b.png')
    jobs, failed, notes = found(tmp_path / 'in', tmp_path / 'in' / 'out')
    assert len(jobs) == 2 and not failed and '1 files left out as results' in notes[0]


def test_a_style_is_not_replaced(tmp_path):
    put(tmp_path, 'in/a.png', 'in/b.png', 'out/a.png')
    jobs, failed, _ = found(tmp_path / 'in', tmp_path / 'out', others=[str(tmp_path / 'out' / 'a.png')])
    assert len(jobs) == 1 and 'would take the place' in failed[0]


def test_what_is_no_folder_is_one_line(tmp_path):
    put(tmp_path, 'a.png')
    for name in ('a.png', 'none'):
        with pytest.raises(UserError, match='--input is a folder'):
            found(tmp_path / name, tmp_path / 'out')


@pytest.mark.parametrize('classes', [1, 3])
def test_no_more_is_listed_than_a_group_needs(classes):
    """Of an endless place: what is read stays within the groups that are open, however many are taken."""
    read = itertools.count()
    endless = (Picture(str(number), str(number), 1000 * 100 ** (number % classes)) for number in read)
    for taken, group in enumerate(itertools.islice(groups(endless, 16, 10 ** 12), 500), 1):
        assert len(group) == 16 and len({each.bytes for each in group}) == 1
        consumed = next(read)  # this takes one number away
        most = 16 * taken + classes * 15
        assert consumed - taken + 1 <= most
        if classes == 1:
            assert consumed == 17 * taken - 1  # 16 of each group, and the number that was taken away


def test_groups_hold_so_many_bytes_and_every_picture_once():
    sizes = [10, 2000, 900, 35, 10 ** 9, 40, 1000, 0] * 50
    pictures = [Picture(str(number), str(number), size) for number, size in enumerate(sizes)]
    made = list(groups(iter(pictures), 16, 5000))
    assert sorted(each for group in made for each in group) == sorted(pictures)
    assert all(len(group) <= 16 for group in made)
    assert all(len(group) == 1 or sum(each.bytes for each in group) <= 5000 for group in made)
    assert all(max(each.bytes for each in group) <= 4 * max(1, min(each.bytes for each in group))
               for group in made)
