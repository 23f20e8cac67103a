"""The outside world of the demonstration: a small web shop with reviews, and a mail server.

Both are real servers on loopback: pages over HTTP, the later ones rendered by JavaScript, and an
SMTP server that keeps what it receives as files. Run as `python -m serve.demo_world FOLDER`.
"""

import html
import json
import signal
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from serve.platform import free_ports

PAGE_SIZE = 10
SCRIPTED_FROM_PAGE = 3
"""From this page on the reviews are put there by JavaScript."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Aurora coffee maker: reviews</title></head>
<body><h1>Aurora coffee maker</h1><p>What {count} customers say, page {page} of {pages}.</p>
<section id="reviews">{reviews}</section>
<nav>{links}</nav>{script}</body></html>"""

_REVIEW = """<article class="review" data-stars="{stars}"><h2>{title}</h2>
<p class="author">{author}</p><p class="body">{body}</p></article>"""

_SCRIPT = """<script type="application/json" id="data">{data}</script><script>
const section = document.getElementById("reviews");
setTimeout(() => {{
  for (const review of JSON.parse(document.getElementById("data").textContent)) {{
    const article = document.createElement("article");
    article.className = "review";
    article.dataset.stars = review.stars;
    for (const [tag, name] of [["h2", "title"], ["p", "author"], ["p", "body"]]) {{
      const element = document.createElement(tag);
      element.className = name;
      element.textContent = review[name];
      article.append(element);
    }}
    section.append(article);
  }}
}}, 150);
</script>"""


def load_reviews() -> list[dict[str, Any]]:
    """Return the bundled reviews: author, stars (1 to 5), title and body of each."""
    text = (resources.files("serve") / "demo_site" / "reviews.json").read_text(encoding="utf-8")
    reviews: list[dict[str, Any]] = json.loads(text)
    return reviews


def render_page(reviews: list[dict[str, Any]], page: int) -> str | None:
    """Return one page of the shop, counted from 1; None when there is no such page."""
    pages = -(-len(reviews) // PAGE_SIZE)
    if not 1 <= page <= pages:
        return None
    shown = reviews[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    scripted = page >= SCRIPTED_FROM_PAGE
    links = f'<a rel="prev" href="/?page={page - 1}">Previous</a> ' if page > 1 else ""
    links += f'<a rel="next" href="/?page={page + 1}">Next</a>' if page < pages else ""
    escaped = [{key: html.escape(str(value)) for key, value in review.items()} for review in shown]
    return _PAGE.format(
        count=len(reviews),
        page=page,
        pages=pages,
        reviews="" if scripted else "\n".join(_REVIEW.format(**review) for review in escaped),
        links=links,
        script=_SCRIPT.format(data=json.dumps(shown)) if scripted else "",
    )


class _Shop(BaseHTTPRequestHandler):
    reviews = load_reviews()

    def do_GET(self) -> None:
        """Answer one request."""
        address = urlsplit(self.path)
        number = parse_qs(address.query).get("page", ["1"])[0]
        page = render_page(self.reviews, int(number) if number.isdecimal() else 0)
        if address.path != "/" or page is None:
            self.send_error(404)
            return
        body = page.encode("utf-8")
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for the demonstration."""


class _Mailbox:
    """Keeps each received mail as a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        content = envelope.content
        data = content if isinstance(content, bytes) else (content or "").encode("utf-8")
        self._count += 1
        part = self._folder / f"{self._count:04d}.part"
        part.write_bytes(data)
        part.rename(part.with_suffix(".eml"))
        return "250 Message accepted for delivery"


@dataclass(frozen=True, slots=True)
class World:
    """Where the servers are."""

    site_url: str
    smtp_port: int
    mail_folder: Path
    shop: ThreadingHTTPServer
    mail: Controller

    def close(self) -> None:
        """Stop both servers."""
        self.shop.shutdown()
        self.shop.server_close()
        self.mail.stop()


def open_world(mail_folder: Path) -> World:
    """Start both servers on free ports of loopback.

    Args:
        mail_folder: Where received mails are kept, one `.eml` file each.
    """
    mail_folder.mkdir(parents=True, exist_ok=True)
    shop = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    threading.Thread(target=shop.serve_forever, name="shop", daemon=True).start()
    smtp_port = free_ports(1)[0]
    mail = Controller(_Mailbox(mail_folder), hostname="127.0.0.1", port=smtp_port)
    mail.start()
    return World(
        f"http://127.0.0.1:{shop.server_address[1]}/",
        smtp_port,
        mail_folder,
        shop,
        mail,
    )


def main() -> None:
    """Run the world until SIGTERM; its addresses go to `world.json` in the folder."""
    folder = Path(sys.argv[1])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    world = open_world(folder / "mails")
    told = folder / "world.json"
    part = told.with_suffix(".part")
    part.write_text(json.dumps({"site_url": world.site_url, "smtp_port": world.smtp_port}))
    part.rename(told)
    stop.wait()
    world.close()


if __name__ == "__main__":
    main()
