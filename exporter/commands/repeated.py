"""Repeated options. Of two values, click would ignore one without a word."""

from collections import Counter

import click


def reject_repeated(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    """Raise a usage error that names the first option that `args` repeat."""
    try:
        # One entry for each time that an option or an argument is given.
        _, _, order = command.make_parser(ctx).parse_args(list(args))
    except click.UsageError:
        return  # the command reports it
    for parameter, count in Counter(order).items():
        if count < 2 or not isinstance(parameter, click.Option):  # noqa: PLR2004 - twice
            continue
        if parameter.multiple or parameter.count:
            continue
        names = [*parameter.opts, *parameter.secondary_opts]
        written = [arg.partition("=")[0] for arg in args]
        used = dict.fromkeys(name for name in written if name in names)
        off = set(used) & set(parameter.secondary_opts)
        if parameter.is_flag and off in (set(), set(used)):
            continue  # the same value twice
        raise click.UsageError(
            f"{' and '.join(used or names[:1])}: given {count} times; give it once", ctx
        )
