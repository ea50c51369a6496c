"""The pages for people, in a real Chromium."""

import re
import urllib.parse
from datetime import UTC, datetime, timedelta

import pytest

from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan, Kind
from exporter.demo.platform import build_platform
from exporter.demo.university import Drop, University
from tests.integration.browser import Browser
from tests.integration.conftest import Exporter, fetch, until

CONTRAST = """
const parse = c => c.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => {
  const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
};
const ground = e => {
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
const found = [];
for (const e of document.querySelectorAll('body *')) {
  const text = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!text || e.closest('svg, option, caption')) continue;
  const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) found.push(e.tagName + ' ' + e.textContent.trim() + ' ' + ratio.toFixed(2));
}
return found;
"""
UNNAMED = """
return [...document.querySelectorAll('a, button, input:not([type=hidden]), select, svg, table')]
  .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length))
  .map(e => e.outerHTML);
"""
TOO_WIDE = "return document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """An exporter of four orgs: one dropped, one rejected, one partly failing, one OK."""
    place = tmp_path_factory.mktemp("status")
    university = University(orgs=4, courses=4, drops=[Drop("acme", 7, 0.6)])
    faults = FaultPlan(
        [
            Fault(Kind.STATUS, org="globex", status=401),
            Fault(Kind.STATUS, org="initech", endpoint="videos*", status=500, body="html"),
        ]
    )
    lines = ["api: {rate_limit: 500, retries: 0}", "extras: [learning, agents, costs]"]
    lines += ["web: {grafana_url: https://grafana.example/}", "orgs:"]
    lines += [
        f"- {{key: {org.key}, user_id: {org.user_id}, api_key: {org.api_key}}}"
        for org in university.orgs
    ]
    with Background(build_platform(university, faults=faults)) as running:
        path = place / "iblai.yml"
        path.write_text("\n".join([f"base_url: {running.url}", *lines]))
        with Exporter("serve", "--config", path, cwd=place) as process:
            process.wait()
            until(lambda: "No org matches" in fetch(f"{process.url}/?state=waiting")[2])
            yield process


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def browser(request, place):
    with Browser(place, dark=request.param) as browser:
        browser.dark = request.param
        yield browser


PAGES = ["/", "/orgs/acme", "/orgs/globex", "/orgs/nobody"]


@pytest.mark.parametrize("path", PAGES)
def test_every_text_can_be_read_in_light_and_in_dark(browser, service, path):
    browser.open(service.url + path)
    assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") is browser.dark
    assert browser.run(CONTRAST) == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_without_a_name_and_the_page_fits_a_phone(browser, service, path):
    browser.open(service.url + path)
    assert browser.run(UNNAMED) == []
    assert browser.run("return document.documentElement.lang") == "en"
    browser.size(390, 844)
    browser.open(service.url + path)
    assert browser.run(TOO_WIDE) <= 0
    browser.size(1200, 900)


def keys(browser):
    return browser.run(
        "return [...document.querySelectorAll('tbody th')].map(e => e.textContent.trim())"
    )


def shows(browser, *wanted):
    """Wait until these orgs are listed first: a click returns before the next page is there."""
    until(lambda: keys(browser)[: len(wanted)] == list(wanted), what=f"a list that begins {wanted}")


def test_what_needs_attention_stands_first_and_orgs_can_be_found_and_sorted(browser, service):
    browser.open(service.url)
    shows(browser, "globex", "initech", "acme", "org-0004")
    assert "2 of 4 orgs need attention" in browser.run("return document.body.innerText")
    browser.click("th a[href*='sort=org']")
    shows(browser, "acme", "globex", "initech", "org-0004")
    browser.click("th a[href*='sort=state']")
    shows(browser, "globex", "initech")
    browser.click("th a[href*='sort=active']")
    shows(browser, "acme")
    browser.type("input[name=q]", "INI")
    browser.click("button")
    shows(browser, "initech")
    assert keys(browser) == ["initech"]
    browser.open(service.url)
    browser.click("a.tile[href*='state=failing']")
    shows(browser, "globex")
    assert keys(browser) == ["globex"]


def test_the_page_of_an_org_shows_values_charts_and_errors(browser, service):
    browser.open(service.url)
    browser.click("a[href='orgs/acme']")
    until(lambda: browser.run("return document.title").startswith("acme"), what="the page of acme")
    text = browser.run("return document.body.innerText")
    assert "Unique users with course activity" in text
    assert "expected" in text
    assert "Extras that are off: usage" in text
    bars = browser.run("return document.querySelectorAll('svg .bar').length")
    assert bars >= 6 * 28
    assert browser.run("return document.querySelector('svg').getBoundingClientRect().height") > 20
    assert "Time spent by all learners" not in text
    browser.click("details summary")
    until(
        lambda: "Time spent by all learners" in browser.run("return document.body.innerText"),
        what="the folded values",
    )
    assert "$" in browser.run("return document.body.innerText")
    browser.open(f"{service.url}/orgs/initech")
    text = browser.run("return document.body.innerText")
    assert "partly failing" in text
    assert "500, " in text
    assert "front end sent it" in text


def test_an_org_links_to_its_dashboard(service):
    page = fetch(f"{service.url}/orgs/acme")[2]
    assert 'href="https://grafana.example/d/iblai-org?var-org=acme"' in page


def test_the_expected_range_is_shown_or_why_there_is_none(service):
    page = fetch(f"{service.url}/orgs/acme")[2]
    assert re.search(r"expected [\d,.]+</span><br><span class=\"small\">alert below [\d,.]+<", page)
    assert re.search(r"no (alert|range): (too little history|low volume|no usable pattern)", page)


def test_only_measures_with_alerts_have_an_alert_threshold(service):
    page = fetch(f"{service.url}/orgs/acme")[2]
    row = re.search(r"<th scope=\"row\">Unenrollments</th>(.*?)</tr>", page, re.DOTALL)[1]
    assert "alert" not in row
    assert re.search("lower bound|no range", row)


def test_charts_end_with_the_last_complete_day(service):
    page = fetch(f"{service.url}/orgs/acme")[2]
    ends = re.findall(r"\d{4}-\d\d-\d\d to (\d{4}-\d\d-\d\d), weekends dimmed", page)
    assert ends
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert max(ends) <= yesterday.isoformat()


def test_collectors_show_failed_items_and_the_generation_of_the_api(service):
    page = fetch(f"{service.url}/orgs/acme")[2]
    assert "Items failed" in page
    assert "<td>seeds</td>" in page


@pytest.mark.parametrize("path", ["/", "/orgs/acme"])
def test_pages_use_the_approved_words(service, path):
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", fetch(service.url + path)[2], flags=re.DOTALL)
    assert not re.search(r"\b(well|usual(ly)?|figures?|visits?|took|since the start)\b", text)


def test_the_links_lead_somewhere(browser, service):
    for path in ("/", "/orgs/acme"):
        browser.open(service.url + path)
        for link in set(browser.run("return [...document.links].map(e => e.href)")):
            if not link.startswith("https://grafana.example"):
                assert fetch(link)[0] == 200, link


def test_pages_work_without_scripts_and_forbid_them(service):
    for path in PAGES:
        _, headers, body = fetch(service.url + path)
        assert "<script" not in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "{{ 7 * 7 }}", "\x00\u202e%s"])
def test_what_a_visitor_types_is_shown_as_text_or_not_at_all(service, text):
    quoted = urllib.parse.quote(text, safe="")
    for path in (f"/?q={quoted}&state={quoted}&sort={quoted}&page={quoted}", f"/orgs/{quoted}"):
        status, _, body = fetch(service.url + path)
        assert status in {200, 404}
        assert "<script>" not in body
