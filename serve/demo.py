"""The demonstration: the main job, once, from one sentence, on a bundled web site.

It starts a web shop and a mail server on loopback, then a platform, and does what a user would do
with the client: create, execute, watch, read the report and the mail. Then everything stops.
"""

import email
import email.policy
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text
from weft import Client

from serve.cli_follow import follow, show_graph
from serve.platform import (
    PlatformError,
    prepare_home,
    running_platform,
    start_background,
    stop_platform,
)
from serve.processes import DEMO, MARKER, end_processes, platform_id
from serve.settings import Settings, child_environment, export, load_settings

RECIPIENT = "ops@example.com"
SENTENCE = (
    "Scrape the reviews at {site} → analyze the sentiment of each review in parallel → "
    f"generate a markdown insights report → email the report to {RECIPIENT}"
)
WORLD_SECONDS = 30
MAIL_SECONDS = 10


def run_demo(keep: bool) -> int:
    """Run the demonstration; returns its exit code.

    Args:
        keep: Leave the platform, the shop and the mail server up.
    """
    console = Console(highlight=False, markup=False)
    begun = time.monotonic()
    settings = load_settings()
    if running_platform(settings.home) is not None:
        console.print(
            f"A platform runs in {settings.home} already. Stop it, or set WEFT_HOME and WEFT_PORT "
            "to run the demonstration beside it."
        )
        return 1
    completed = False
    try:
        completed = _demonstrate(settings, console, begun)
    except PlatformError as error:
        console.print(f"The platform did not start: {error}")
    finally:
        if keep and completed:
            console.print(f"It stays up: dashboard {settings.base_url}, `weft down` stops it.")
        else:
            stop_platform(settings.home)
            console.print("Everything is stopped.")
    return 0 if completed else 1


def _demonstrate(settings: Settings, console: Console, begun: float) -> bool:
    prepare_home(settings.home)
    world = _start_world(settings.home)
    console.print(Rule("Weft"))
    console.print(f"A shop with 40 reviews: {world['site_url']}")
    export({"WEFT_SMTP_URL": f"smtp://127.0.0.1:{world['smtp_port']}"})
    console.print("Starting PostgreSQL, Redis, Ray and the API …")
    url = start_background(settings)
    console.print(f"Ready after {time.monotonic() - begun:.1f} s. Dashboard: {url}")
    sentence = SENTENCE.format(site=world["site_url"])
    console.print(Panel(Text(sentence), title="One sentence"))
    token = (settings.home / "token").read_text(encoding="utf-8").strip()
    with Client(url, token=token) as client:
        workflow = client.create(sentence, name="Review insights", offline=True)
        show_graph(console, workflow)
        started = client.execute(workflow["workflow_id"])
        execution = follow(client, console, started["execution_id"])
    if execution["status"] != "completed":
        return False
    _show_result(console, execution, settings.home / "demo" / "mails")
    running = running_platform(settings.home)
    console.print(f"Dashboard: {url} (log in with the token in {settings.home / 'token'})")
    if running is not None:
        console.print(f"Ray dashboard: {running.ray_dashboard_url}")
    console.print(f"Done after {time.monotonic() - begun:.1f} s.")
    return True


def _start_world(home: Path) -> dict[str, Any]:
    """Start the shop and the mail server as a process of the platform, which ends with it."""
    marker = f"{platform_id(home)}{DEMO}"
    end_processes(marker)
    folder = home / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with (home / "logs" / "demo.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve.demo_world", str(folder)],
            env=child_environment(**{MARKER: marker}),
            cwd=Path(__file__).parent.parent,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    told = folder / "world.json"
    deadline = time.monotonic() + WORLD_SECONDS
    while not told.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise PlatformError("The demonstration's shop and mail server did not start.")
        time.sleep(0.05)
    world: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return world


def report_of(execution: Any) -> str:
    """Return the report that an execution's aggregator made."""
    (node,) = [node for node in execution["nodes"] if node["agent"] == "aggregator"]
    (report,) = node["output"].values()
    return str(report)


def _show_result(console: Console, execution: Any, mails: Path) -> None:
    console.print(Panel(Markdown(report_of(execution)), title="The report"))
    deadline = time.monotonic() + MAIL_SECONDS
    while not (received := sorted(mails.glob("*.eml"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    for path in received:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = mail.get_body(("plain",))
        text = str(body.get_content()) if body else ""
        head = f"To: {mail['To']}\nFrom: {mail['From']}\nSubject: {mail['Subject']}\n\n"
        console.print(Panel(Text(head + text[:600]), title="The mail that arrived"))
