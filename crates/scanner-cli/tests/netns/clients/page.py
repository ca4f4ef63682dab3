"""The HTML page in a real browser: sorted, filtered and unfolded by clicks and keys, in light, dark and on a phone.

usage: page.py CHROMIUM PAGE SCREENSHOTS HOST OTHER-HOST PORT

HOST has several open ports, PORT is open on OTHER-HOST alone. Prints what it saw; fails with the first thing that is not so.
"""

import pathlib
import sys

from playwright.sync_api import expect, sync_playwright

chromium, page_file, shots, host, other, port = sys.argv[1:]
address = pathlib.Path(page_file).resolve().as_uri()
shots = pathlib.Path(shots)
shots.mkdir(parents=True, exist_ok=True)


def ports_of(page, ip):
    rows = page.locator(f"details.host:has(h3:text-is('{ip}')) tbody tr:visible td:first-child")
    return rows.all_text_contents()


def visible_hosts(page):
    return page.locator("details.host:visible h3").all_text_contents()


def check_sorting(page):
    details = page.locator(f"details.host:has(h3:text-is('{host}'))")
    if details.get_attribute("open") is None:
        details.locator("summary").first.click()
    table = page.locator(f"details.host:has(h3:text-is('{host}')) table")
    header = table.locator("th", has_text="Port")
    before = ports_of(page, host)
    assert before == sorted(before, key=int), before
    assert header.get_attribute("aria-sort") == "ascending"
    header.get_by_role("button").click()
    after = ports_of(page, host)
    assert after == before[::-1] and len(after) > 1, after
    assert header.get_attribute("aria-sort") == "descending"
    service = table.locator("th", has_text="Service")
    service.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert service.get_attribute("aria-sort") == "ascending"
    assert header.get_attribute("aria-sort") is None
    names = table.locator("tbody tr td:nth-child(3)").all_text_contents()
    named = [name for name in names if name]
    assert named == sorted(named), names
    print(f"sorted {len(before)} ports of {host} by click and by key")


def check_filter(page):
    everything = visible_hosts(page)
    page.locator("#find").fill(port)
    expect(page.locator("details.host:visible h3")).to_have_text([other])
    assert ports_of(page, other) == [port], ports_of(page, other)
    count = page.locator("#count").inner_text()
    assert count.startswith("1 of ") and "1 port shown" in count, count
    page.locator("#find").fill("")
    expect(page.locator("details.host:visible")).to_have_count(len(everything))
    page.locator("#state").select_option("closed")
    assert page.locator("tbody tr[data-state=open]:visible").count() == 0
    page.locator("#state").select_option("")
    assert visible_hosts(page) == everything
    print(f"filtered {len(everything)} hosts to 1 and back: {count}")


def check_folding(page):
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details.host[open]").count() == 0
    page.locator(".matrix th[scope=row] a").first.click()
    expect(page.locator("details.host[open]")).to_have_count(1)
    page.get_by_role("button", name="Open all").click()
    assert page.locator("details.host:not([open])").count() == 0
    print("folded, unfolded, and followed a link of the matrix")


def check_spoken(page):
    """What a screen reader is told, and where the tabulator key leads."""
    heard = page.locator("body").aria_snapshot()
    unnamed = [line for line in heard.splitlines() if line.strip(" -:\\") in ("link", "button", "region", "table", "searchbox")]
    assert not unnamed, unnamed
    assert heard.count("heading") > 3 and "[level=1]" in heard, heard
    assert heard.index("term: open ports") < heard.index("definition"), heard
    assert 'columnheader "80 http"' in heard and 'rowheader "' in heard and 'cell "open"' in heard, heard
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to the hosts", focused.inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "find"
    for _ in range(4):
        page.keyboard.press("Tab")
    summary = page.locator("details.host summary").first
    expect(summary).to_be_focused()
    folded = page.locator("details.host").first.get_attribute("open") is None
    page.keyboard.press("Enter")
    assert (page.locator("details.host").first.get_attribute("open") is None) != folded
    page.keyboard.press("Enter")
    print(f"heard {len(heard.splitlines())} lines, walked by keys to the first host and unfolded it")


def check_width(page, name):
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name}: {wide} pixels too wide"


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    requests, errors = [], []
    for name, scheme, size in [
        ("light", "light", (1280, 900)),
        ("dark", "dark", (1280, 900)),
        ("phone", "light", (390, 844)),
    ]:
        context = browser.new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.screenshot(path=shots / f"{name}.png", full_page=True)
        check_width(page, name)
        check_spoken(page)
        check_sorting(page)
        check_filter(page)
        check_folding(page)
        context.close()
    assert set(requests) == {address}, requests
    assert not errors, errors
    print(f"{browser.version}: {len(requests)} pages, no request but the page, no error in the console")
    browser.close()
