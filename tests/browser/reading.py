"""Reading a report in headless Chromium: a page that notes all it complains of and asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Dialog, Page

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 120_000
"""How long a page may take for anything before a test fails."""


class Visit:
    """A page with everything it complained about and everything it asked for."""

    def __init__(self, page: Page, report: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._refuse)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(report.as_uri())

    def _refuse(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def draw_all(self) -> None:
        """Scroll by every chart, and wait until each is drawn."""
        for plot in self.page.locator(".plot").all():
            plot.scroll_into_view_if_needed()
            plot.locator(".xtick, .slice, .gtitle").first.wait_for(state="attached")
        self.page.evaluate("scrollTo(0, 0)")

    @property
    def foreign(self) -> list[str]:
        """Requests that leave the file."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]

    def choose(self, name: str, value: str) -> None:
        """Flip a switch of the page."""
        self.page.locator(f'input[name="{name}"][value="{value}"]').check()

    def scroll_width(self) -> int:
        """Width of what the page holds, in pixels."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        return width


@contextmanager
def visited(
    browser: Browser, report: Path, *, width: int = 1280, height: int = 800, scheme: str = "light"
) -> Iterator[Visit]:
    """A report, opened in a window of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield Visit(context.new_page(), report)
    finally:
        context.close()
