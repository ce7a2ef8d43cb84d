"""``DATASHEET.html``: the datasheet as one page that loads nothing, its pictures inside."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from markdown_it import MarkdownIt

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; }}
body {{ max-width: 62em; margin: 2em auto; padding: 0 1em; }}
h1, h2, h3 {{ line-height: 1.2; }}
h2 {{ border-bottom: 1px solid #ccc; padding-bottom: .2em; margin-top: 2em; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ border: 1px solid #ddd; padding: .2em .6em; text-align: left; vertical-align: top; }}
th {{ background: #f2f2f2; }}
code, pre {{ font-family: ui-monospace, monospace; font-size: 13px; }}
pre {{ background: #f7f7f7; padding: .8em; overflow-x: auto; }}
img {{ max-width: 100%; height: auto; }}
@media print {{ body {{ max-width: none; margin: 0; }} h2 {{ break-after: avoid; }} }}
</style>
</head>
<body>
{body}</body>
</html>
"""


def page(markdown: str, title: str, pictures: Mapping[str, str]) -> str:
    """Return the page; ``pictures`` are SVG by the path that the Markdown has for them."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)

    def inside(match: re.Match[str]) -> str:
        return f'src="data:image/svg+xml;base64,{base64.b64encode(pictures[match[1]].encode()).decode()}"'

    return _PAGE.format(title=title, body=re.sub(r'src="([^"]+\.svg)"', inside, body))
