"""Pictures in S3, by a real server on this machine, and at other addresses."""

import math

import on_ray
import pytest
from on_ray import content

from resnet_in_tf.cluster import places
from resnet_in_tf.errors import UserError


def test_s3_is_listed_a_page_at_a_time(bucket, monkeypatch):
    client, name = bucket
    monkeypatch.setattr(places, 'PAGE', 10)
    for number in range(25):
        client.put_object(Bucket=name, Key='photos/%04d.png' % number, Body=b'x' * (number % 7))
    place = places.place('s3://%s/photos' % name)
    asked = []
    place.client.meta.events.register('before-call.s3.ListObjectsV2', lambda **call: asked.append(call))
    entries = place.entries('')
    assert not asked
    for number, entry in enumerate(entries):
        assert entry == ('%04d.png' % number, number % 7, False)
        assert len(asked) == math.ceil((number + 1) / 10)
    assert number == 24


def test_what_s3_has_is_copied_and_what_it_refuses_is_one_line(bucket, tmp_path):
    _, name = bucket
    place = places.place('s3://%s/a/b/' % name)
    (tmp_path / 'here').write_bytes(b'a picture')
    assert not place.exists('c/d.png')
    place.store(str(tmp_path / 'here'), 'c/d.png')
    assert place.exists('c/d.png') and list(place.entries('')) == [('c/d.png', 9, False)]
    place.fetch('c/d.png', str(tmp_path / 'there'))
    assert (tmp_path / 'there').read_bytes() == b'a picture'
    with pytest.raises(UserError, match='^s3://%s/a/b/none.png: ' % name):
        place.fetch('none.png', str(tmp_path / 'there'))
    with pytest.raises(UserError, match='^s3://%s-none: .*bucket does not exist' % name):
        list(places.place('s3://%s-none' % name).entries(''))


def test_an_address_without_puts_takes_a_name_when_the_file_is_whole(tmp_path):
    """fsspec's own file:// stands for hdfs:// and its like."""
    pytest.importorskip('fsspec')
    (tmp_path / 'in').mkdir()
    on_ray.write_photos(tmp_path / 'in', 4)
    source, output = (places.place('file://%s/%s' % (tmp_path, name)) for name in ('in', 'out'))
    names = {name for name, size, _ in source.entries('') if size is not None}
    assert names == {'000.png', '001.jpg', '002.png'}
    assert ('sub', None, False) in list(source.entries(''))
    assert not output.exists('sub/a.png')
    for _ in range(2):
        source.fetch('sub/003.png', str(tmp_path / 'here'))
        output.store(str(tmp_path / 'here'), 'sub/a.png')
    assert output.exists('sub/a.png')
    assert list(content(tmp_path / 'out')) == ['sub/a.png']
    assert content(tmp_path / 'out')['sub/a.png'] == content(tmp_path / 'in')['sub/003.png']
    with pytest.raises(UserError, match='file://'):
        output.store(str(tmp_path / 'gone'), 'sub/b.png')
    assert list(content(tmp_path / 'out')) == ['sub/a.png']


def test_an_address_that_needs_a_package_says_so():
    pytest.importorskip('fsspec')
    with pytest.raises(UserError, match='pip install'):
        places.place('abfs://photos/in')
