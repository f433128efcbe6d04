"""An address in, the page as it stands in the end out, after the browser went wherever it was sent."""

import html
import re
import shutil
import subprocess

NEEDED = "chromium"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--timeout=15000", "--dump-dom")


def lacking():
    return [] if shutil.which(NEEDED) else [NEEDED]


def screen(url, profile):
    """`profile` is the folder in which the browser keeps what it keeps."""
    words = [NEEDED, *OPTIONS, f"--user-data-dir={profile}", url]
    return Screen(subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout)


class Screen:
    def __init__(self, dom):
        self.dom = dom

    def text(self, id):
        found = re.search(rf'<(\w+)[^>]*\bid="{id}"[^>]*>(.*?)</\1>', self.dom, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]+>", "|", found[2])).strip("|") if found else ""
