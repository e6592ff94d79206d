"""Takes the pictures of the report that the READMEs show: `python docs/building/picture.py runs/quickstart/TIME`.

One picture a language, of the first screen of report.html, in few colours: below 200 kB each.
"""

import io
import shutil
import sys
from pathlib import Path

IMAGES = Path(__file__).parents[1] / "images"
BROWSERS = ("chromium-headless-shell", "chromium")
LARGEST = 200_000  # bytes
SIZE, SCALE, COLOURS = {"width": 1200, "height": 770}, 1.5, 192


def main(run: Path) -> None:
    """Writes docs/images/report.en.png and report.zh.png."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for language in ("en", "zh"):
            context = browser.new_context(viewport=SIZE, device_scale_factor=SCALE, color_scheme="light")
            page = context.new_page()
            page.goto(f"{(run / 'report.html').resolve().as_uri()}?lang={language}")
            page.wait_for_function(f"document.documentElement.lang.startsWith('{language}')")
            page.wait_for_timeout(500)  # the chart's last movement
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
            path = IMAGES / f"report.{language}.png"
            picture.save(path, optimize=True)
            if path.stat().st_size > LARGEST:
                raise SystemExit(f"{path}: has {path.stat().st_size} bytes, more than {LARGEST}; lower COLOURS")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
