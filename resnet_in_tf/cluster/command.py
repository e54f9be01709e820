"""What `stylize.py --cluster` does: one bar for all machines, notes, failures and the last line."""

import contextlib
import itertools
import os
import sys
import threading

from resnet_in_tf import __version__, cli
from resnet_in_tf.cluster import connection, places
from resnet_in_tf.cluster.crew import Crew
from resnet_in_tf.cluster.listing import Listing, groups
from resnet_in_tf.cluster.painter import Work
from resnet_in_tf.cluster.run import Run
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import model_file
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import asking, pipeline
from resnet_in_tf.video import encoding

CORES = 4  # of a worker without a GPU
GROUP, GROUP_BYTES = 16, 64 * 2 ** 20  # of pictures that a worker has at a time
FILMS = frozenset(encoding.FORMATS).difference(images.EXTENSIONS)


def restyle(values):
    """Restyles what is in a folder or a store on many machines: the exit status.

    Args:
        values: dict of the flags of stylize.py.
    """
    asking.require_place(values, '--cluster is for many')
    asking.refuse(values, {'system': 'optimises single pictures',
                           'refine': 'trains here; style_row.py keeps a row',
                           'json': 'would list every picture', 'format': 'is for --output -'},
                  '%s does not go with --cluster: it %s')
    stylizer, weights, _ = asking.opened(values)
    options = pipeline.Options(weights, values['preserve_color'], values['quality'], values['exact'],
                               **asking.looks(stylizer, weights, values))
    network = stylizer.model, {'impl': values['impl'], 'engine': stylizer.engine.name,
                               'precision': values['precision']}
    stylizer.close()
    return restyle_places(values['cluster'], values['cores'], values['input'], values['output'], network,
                          options, values['overwrite'], asking.most_memory(values), asking.others(values),
                          {'steady': values['steady']} if values['films'] else None)


def restyle_places(cluster, cores, source, output, network, options, overwrite=False, max_memory=None,
                   others=(), films=None):
    """Restyles the pictures of a place on a cluster, and tells of it.

    Args:
        cluster: as connection.parse.
        cores: int, of a worker without a GPU; None for CORES, and for `local:N` a part of this machine's.
        source, output: str, folders that all machines see, or addresses such as s3://photos/.
        network: (path of a model, dict of further arguments of Stylizer), which all workers open.
        options: pipeline.Options.
        overwrite: whether results that exist are made again.
        max_memory: int, bytes that a worker may hold; None for its share of what is free.
        others: paths of further files that no result may replace.
        films: dict of `steady`, as in video.films.Options, to restyle the films there and not the pictures.

    Returns:
        int, an exit status.

    Raises:
        UserError: nothing to do, or no cluster that does it.
    """
    here = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    connection.parse(cluster, here)
    path, arguments = network
    work = Work(*(where if places.is_remote(where) else os.path.abspath(where) for where in (source, output)),
                network=(os.path.basename(path), arguments), options=options, overwrite=overwrite,
                max_memory=max_memory, version=__version__, films=films)
    failed = 0

    def on_failed(name, reason):
        nonlocal failed
        failed += 1
        tell('failed: %s' % ' '.join(reason.split()))

    def tell(line):
        bar.clear()
        print(line, file=sys.stderr)

    what = 'film' if films else 'picture'
    listing = listed(work, others, on_failed)
    shares = groups(listing, 1 if films else GROUP, GROUP_BYTES)
    with cli.progress_bar(None, what) as bar:
        first = next(shares, None)  # before any machine is asked
        if first is None and not failed:
            raise UserError('; '.join(['%s: no %ss here' % (source, what)] + listing.notes))
        with connection.connected(cluster, here) as ray:
            count(work, others, bar)
            crew = Crew(ray, work, model_file.read_model(path),
                        cores or connection.cores_of_each(cluster, here) or CORES,
                        lambda line: tell('note: %s' % line))
            run = Run(crew, itertools.chain([first] if first else [], shares), bar.update, on_failed)
            try:
                summary = run.run()
                crew.close()
            finally:
                crew.stop()
        for folder in run.folders:
            listing.output.tidy(folder)
    for note in listing.notes:
        print('note: %s' % note, file=sys.stderr)
    if summary.lost:
        print('note: %s' % ('1 worker died, and others did its work' if summary.lost == 1 else
                            '%d workers died, and others did their work' % summary.lost), file=sys.stderr)
    print('%d done, %d skipped, %d failed' % (summary.done, summary.skipped, failed))
    return cli.EXIT_SOME_FAILED if failed else cli.EXIT_OK


def count(work, others, bar):
    """Counts the pictures beside the work, where a bar is seen: its end becomes known."""
    def run():
        with contextlib.suppress(UserError):  # the run's own listing says what is wrong
            bar.total = sum(1 for _ in listed(work, others, tidy=False))

    if not isinstance(bar, cli.Silence):
        threading.Thread(target=run, daemon=True).start()


def listed(work, *arguments, **more):
    """The Listing of what is to do; `arguments` as its own."""
    return Listing(places.place(work.source), places.place(work.output), *arguments,
                   endings=FILMS if work.films else images.EXTENSIONS, **more)
