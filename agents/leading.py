"""Where a page in the browser leads: each address that it goes to is asked about beforehand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from agents.errors import AgentError
from agents.exchange import Led


@asynccontextmanager
async def leading(page: Page, led: Led) -> AsyncIterator[None]:
    """Ask about each address that the page itself goes to: redirects, and what scripts do.

    Raises:
        AgentError: One of them was refused; it was not asked for.
    """
    session = await page.context.new_cdp_session(page)
    # Playwright's own interception does not see redirects.
    wanted = {"resourceType": "Document", "requestStage": "Request"}
    tree: Any = await session.send("Page.getFrameTree")
    await session.send("Fetch.enable", {"patterns": [wanted]})
    gate = _Gate(session, tree["frameTree"]["frame"]["id"], led)
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        asking: set[asyncio.Task[None]] = set()

        def paused(event: dict[str, Any]) -> None:
            task = group.create_task(gate.decide(event))
            asking.add(task)
            task.add_done_callback(asking.discard)

        session.on("Fetch.requestPaused", paused)
        try:
            yield
        except Exception as error:
            # The group would wrap it.
            failure = error
        finally:
            session.remove_listener("Fetch.requestPaused", paused)
            for task in asking:
                task.cancel()
    if gate.refusal is not None:
        raise gate.refusal from failure
    if failure is not None:
        raise failure


class _Gate:
    def __init__(self, session: CDPSession, frame: str, led: Led) -> None:
        self._session = session
        self._frame = frame
        self._led = led
        self.refusal: AgentError | None = None

    async def decide(self, event: dict[str, Any]) -> None:
        """Let a request go on, unless it is the page's own and refused."""
        answer = {"requestId": event["requestId"]}
        url = event["request"]["url"]
        if event["frameId"] == self._frame and url.startswith(("http:", "https:")):
            try:
                await self._led(url)
            except AgentError as error:
                self.refusal = error
                answer["errorReason"] = "BlockedByClient"
        way = "Fetch.failRequest" if "errorReason" in answer else "Fetch.continueRequest"
        with suppress(PlaywrightError):
            await self._session.send(way, answer)
