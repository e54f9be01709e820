"""What `stylize.py` does with pictures: one bar, notes, failures and the last line, or JSON."""

import sys
import time

from resnet_in_tf import cli
from resnet_in_tf.restyling import asking, batch, pipes


def restyle(values, start):
    """Restyles a picture, a folder, a pattern or what comes through a pipe: the exit status.

    Args:
        values: dict of the flags of stylize.py.
        start: time.time() when work began.
    """
    with pipes.opened(values['input'], values['output'] or None, values['format']) as ends:
        return between(ends, values, start)


def between(ends, values, start):
    """As `restyle`, from what pipes.Pipes have as source to what they have as output."""
    beside = ends.output is None
    network = None
    if beside:
        batch.check_alone(ends.source)
        network = asking.opened(values)
        ends.output = batch.beside(ends.source, network[2])
    plan = batch.plan(ends.source, ends.output, others=asking.others(values))
    photos = [job.source for job in plan.jobs if batch.is_to_do(job, values['overwrite'])]
    stylizer, weights, _ = network or asking.opened(values)
    look = asking.looks(stylizer, weights, values)
    if values['refine'] and photos:
        weights = asking.refined(stylizer, values, photos)
        look = asking.looks(stylizer, weights, values)
    for note in plan.notes:
        print('note: %s' % note, file=sys.stderr)
    with cli.progress_bar(len(plan.jobs), 'picture', wanted=not asking.is_quiet(values)) as bar:
        summary = batch.stylize_files(
            stylizer, plan.jobs, weights, values['preserve_color'], values['overwrite'],
            values['quality'], on_job=lambda job, error: bar.update(),
            max_memory=asking.most_memory(values), exact=values['exact'],
            on_tile=lambda job, done, total: bar.set_postfix_str('tile %d/%d' % (done, total)),
            **look)
    tell(ends, values, plan, summary, beside, time.time() - start)
    if summary.done:
        ends.send()
    return cli.EXIT_SOME_FAILED if plan.failed or summary.failed else cli.EXIT_OK


def tell(ends, values, plan, summary, beside, seconds):
    """Tells what became of a batch.

    Args:
        ends: pipes.Pipes.
        values: dict of the flags.
        plan, summary: of batch.
        beside: whether the result is beside its photo, where nobody has named it.
        seconds: float, that it took.
    """
    failed = plan.failed + summary.failed
    if values['json']:
        print(batch.as_json(plan, summary, seconds, ends.named))
    elif not asking.is_quiet(values):
        print('%d done, %d skipped, %d failed' % (len(summary.done), len(summary.skipped), len(failed)))
    if beside and summary.skipped:
        print('note: %s is there already; --overwrite makes it again' % ends.output, file=sys.stderr)
    elif beside and summary.done and not values['json']:
        print('Look at %s' % ends.output)
    for _, reason in failed:
        print('failed: %s' % ends.named(' '.join(reason.split())), file=sys.stderr)
