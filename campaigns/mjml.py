"""MJML (https://documentation.mjml.io) to HTML that every mail program shows, phones included.

A body that begins with `<mjml>` is a whole mail; Liquid stands in it as in any other, between
columns inside `<mj-raw>`.
"""

import re

_BEGINS = re.compile(r"\s*<mjml[\s>]", re.I)
_END = "</body>"


class BadMjml(Exception):
    """It cannot be turned into HTML, and why."""


def is_mjml(source: str) -> bool:
    return bool(_BEGINS.match(source))


def to_html(source: str) -> str:
    """Nothing is loaded on the way: no file, and no fonts from anybody's server."""
    from mjml import mjml2html

    try:
        html: str = mjml2html(source, fonts={})
    except ValueError as error:
        raise BadMjml(str(error)) from error
    if _END not in html:
        raise BadMjml("it has no mj-body")
    return html


def closed_with(html: str, end: str) -> str:
    """The mail with `end` as the last thing in it."""
    before, mark, after = html.rpartition(_END)
    return f"{before}{end}{mark}{after}"
