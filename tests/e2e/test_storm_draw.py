"""`weft storm draw` as a browser sees it: notes that do not overlap, text that stays on them, pages that can be used.

Chromium renders each picture without a display and a script in the page writes what it measured into the DOM.
"""
import base64
import json
import os
import re

import pytest

from processes import ROOT

REFERENCE = ROOT / "examples/techtalks/techtalks.board"
THEMES = ("light", "dark")

# Boxes in pixels of the screen. A pixel of tolerance is for rounding by the browser.
MEASURE = """
const faults = [], near = 1;
const notes = [...document.querySelectorAll('svg .note')];
const box = element => element.getBoundingClientRect();
const overlaps = (a, b) => a.left < b.right - near && b.left < a.right - near && a.top < b.bottom - near && b.top < a.bottom - near;
const inside = (a, b) => a.left >= b.left - near && a.right <= b.right + near && a.top >= b.top - near && a.bottom <= b.bottom + near;
const things = [...notes, ...document.querySelectorAll('svg .label, svg .refusal, svg .legend, svg .heading, svg .area > text, svg .lane > text')];
const boxes = things.map(box);
const name = thing => thing.dataset.name ?? thing.textContent;
for (let i = 0; i < things.length; i++)
  for (let j = i + 1; j < things.length; j++)
    if (overlaps(boxes[i], boxes[j])) faults.push(`${name(things[i])} overlaps ${name(things[j])}`);
for (const thing of document.querySelectorAll('svg .note, svg .label, svg .refusal, svg .legend, svg .area, svg .lane')) {
  const paper = thing.querySelector('rect'), text = thing.querySelector('text');
  // Before a tilt, so that paper and text have the same axes.
  const a = text.getBBox(), b = paper.getBBox();
  if (a.x < b.x || a.y < b.y || a.x + a.width > b.x + b.width || a.y + a.height > b.y + b.height) faults.push(`the text of ${name(thing)} leaves it`);
}
for (const note of notes) if (!note.dataset.kind || !note.dataset.name) faults.push('a note without its name');
for (const path of document.querySelectorAll('svg .edge')) {
  const length = path.getTotalLength(), matrix = path.getScreenCTM();
  for (let at = 3; at < length - 3; at += 4) {
    const point = path.getPointAtLength(at).matrixTransform(matrix);
    const hit = notes.find((note, i) => point.x > boxes[i].left + near && point.x < boxes[i].right - near && point.y > boxes[i].top + near && point.y < boxes[i].bottom - near);
    if (hit) { faults.push(`${path.dataset.from} to ${path.dataset.to} passes through ${name(hit)}`); break; }
  }
}
"""


def generated(events):
    """A board of about four notes an event, in another domain."""
    lines = ['board depot "A depot & its <yards>"', "actor Clerk", "actor Driver", "system Bank"]
    lines += [f"event Parcel{n}Delivered key parcel{' pivotal' if n % 12 == 11 else ''}" for n in range(events)]
    for n in range(events):
        if n % 3 == 2:
            lines.append(f"policy WhenDue{n} when Parcel{n * 5 % n}Delivered then DeliverParcel{n}")
            lines.append(f"command DeliverParcel{n} by policy WhenDue{n} -> Parcel{n}Delivered")
        else:
            lines.append(f"command DeliverParcel{n} by {'Clerk' if n % 2 else 'Driver'} sees Round{n // 6} -> Parcel{n}Delivered ! NotLoaded")
        if n % 10 == 0:
            lines.append(f'hotspot "Question {n}: who is called when nobody opens the door, and how often?" on Parcel{n}Delivered')
    for group in range((events + 5) // 6):
        members = range(group * 6, min(events, group * 6 + 6))
        lines.append(f"view Round{group} from " + ", ".join(f"Parcel{n}Delivered" for n in members))
        lines.append(f"aggregate Round{group} key round\n  commands " + " ".join(f"DeliverParcel{n}" for n in members))
        lines.append(f"context yard-{group} owns Round{group}")
    return "\n".join(lines) + "\n"


LONG_NAMES = """board names "Names of any length"
event InternationalTelecommunicationsInfrastructureReconciliationCompleted key a
event WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWPlaced key a
event a-name-with-many-hyphens-that-somebody-has-written-in-a-hurry key a
event 注文が確定しました key a
actor Überprüfungsbeauftragte
command ReconcileInfrastructure by Überprüfungsbeauftragte -> InternationalTelecommunicationsInfrastructureReconciliationCompleted
hotspot "WWWW WWWWWWWWWW & <b>WWWWWW</b> WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW WWWWW WWW WWWWWWW WWWWW" on ReconcileInfrastructure
opportunity "Sell it twice" on ReconcileInfrastructure
"""


@pytest.fixture
def draw(run, weft_binary, tmp_path):
    """Draws a board's text (or file) into a file of the test: draw(board, "a.svg", "--theme", "dark")."""
    def call(board, out, *options):
        if isinstance(board, str):
            (tmp_path / "drawn.board").write_text(board)
            board = tmp_path / "drawn.board"
        done = run(weft_binary, "storm", "draw", board, "-o", tmp_path / out, *options)
        assert done.returncode == 0, done.stderr
        return tmp_path / out
    return call


@pytest.fixture
def browse(run, tmp_path):
    """Opens a page in Chromium, runs a script in it, and returns what the script left in `result`."""
    def call(picture, script):
        body = picture.read_text()
        if picture.suffix == ".svg":
            body = f"<!doctype html><meta charset=utf-8><body>{body}</body>"
        # JSON in base64, so that nothing of it can be mistaken for markup.
        ending = (f"<script>(() => {{ let result; {script}\n const bytes = new TextEncoder().encode(JSON.stringify(result));"
                  " document.body.setAttribute('data-result', btoa(String.fromCharCode(...bytes))); })();</script>")
        page = tmp_path / "measured.html"
        page.write_text(body.replace("</body>", ending + "</body>"))
        done = run("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000",
                   f"--user-data-dir={tmp_path}/chromium", "--virtual-time-budget=3000", "--dump-dom", f"file://{page}")
        found = re.search(r'data-result="([^"]*)"', done.stdout)
        assert found, done.stderr
        return json.loads(base64.b64decode(found.group(1)))
    return call


OTHERS = {path.stem: path.read_text() for path in sorted((ROOT / "tests/storm").glob("*.board"))}


def boards():
    return {"reference": REFERENCE.read_text(), "large": generated(110), "names": LONG_NAMES, **OTHERS}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("board", ["reference", "large", "names", *OTHERS])
def test_no_note_overlaps_and_no_text_leaves_its_note(draw, browse, board, theme):
    picture = draw(boards()[board], "wall.svg", "--theme", theme)
    measured = browse(picture, MEASURE + "result = {faults: faults.slice(0, 20), notes: notes.length};")
    assert measured["faults"] == []
    assert measured["notes"] >= {"reference": 100, "large": 400, "names": 8}.get(board, 30)


@pytest.mark.parametrize("view", ["contexts", "aggregate=Programme", "event=CallForPapersClosed", "event=TalkSelected"])
def test_every_view_is_sound_in_a_browser(draw, browse, view):
    assert browse(draw(REFERENCE, "view.svg", "--view", view), MEASURE + "result = faults;") == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_is_sound_and_needs_no_network(draw, browse, theme):
    page = draw(REFERENCE, "wall.html", "--theme", theme)
    assert not re.search(r"(?:src|href)=|url\(http|@import|fetch\(", page.read_text())
    assert browse(page, MEASURE + "result = faults;") == []


USE = """
const key = (name, target = document.body) => target.dispatchEvent(new KeyboardEvent('keydown', {key: name, bubbles: true, cancelable: true}));
const svg = document.querySelector('svg'), lit = () => [...document.querySelectorAll('.note.lit')].map(note => note.dataset.name);
const note = name => document.querySelector(`.note[data-name="${name}"]`);
const before = svg.getAttribute('viewBox');
key('+');
const zoomed = svg.getAttribute('viewBox');
key('ArrowRight');
const panned = svg.getAttribute('viewBox');
key('0');
const whole = svg.getAttribute('viewBox');
note('TieBroken').dispatchEvent(new MouseEvent('mouseenter'));
const hovered = lit();
note('TieBroken').dispatchEvent(new MouseEvent('mouseleave'));
const left = lit();
key('Enter', note('VoteCast'));
const pinned = lit();
key('Escape');
const cleared = lit();
key('/');
const search = document.activeElement.id;
const field = document.getElementById('search');
field.value = 'tiebroken';
field.dispatchEvent(new Event('input'));
key('Enter', field);
const found = lit(), said = document.getElementById('found').textContent;
const focusable = [...document.querySelectorAll('.note')].every(each => each.tabIndex === 0);
result = {before, zoomed, panned, whole, hovered, left, pinned, cleared, search, found, said, focusable};
"""


def test_the_page_zooms_pans_searches_and_follows_a_flow(draw, browse):
    used = browse(draw(REFERENCE, "wall.html"), USE)
    assert len({used["before"], used["zoomed"], used["panned"]}) == 3
    assert [float(n) for n in used["whole"].split()] == [float(n) for n in used["before"].split()]
    # From its causes to its effects, and not the rest.
    assert {"TieBroken", "BreakTie", "SelectAfterTie", "SelectTalks", "TalkSelected"} <= set(used["hovered"])
    assert "SessionStarted" not in used["hovered"] and used["left"] == []
    assert {"VoteCast", "CastVote", "Engineer", "Ballot"} <= set(used["pinned"]) and used["cleared"] == []
    assert used["search"] == "search" and "TieBroken" in used["found"] and used["said"] == "1 of 1"
    assert used["focusable"]


def test_a_png_is_one(draw):
    assert draw(REFERENCE, "wall.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_missing_rasteriser_is_named(run, weft_binary, tmp_path):
    done = run(weft_binary, "storm", "draw", REFERENCE, "-o", tmp_path / "a.png", env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 2 and "librsvg2-bin" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options, said", [
    (["-o", "a.svgg"], "'svg'"), (["-o", "a"], "extension"), (["-o", "a.svg", "--theme", "drak"], "'dark'"),
    (["-o", "a.svg", "--view", "contex"], "'contexts'"), (["-o", "a.svg", "--view", "aggregate", "Pol"], "'Poll'"),
    (["-o", "a.svg", "--view", "event=PollClosd"], "'PollClosed'"), (["-o", "a.svg", "--view", "event"], "NAME"),
])
def test_what_cannot_be_drawn_is_told(run, weft_binary, tmp_path, options, said):
    done = run(weft_binary, "storm", "draw", REFERENCE, *options, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_board_goes_through_pipes_and_gives_the_same_bytes(run, weft_binary, draw):
    drawn = draw(REFERENCE, "wall.svg").read_text()
    with open(REFERENCE) as board:
        piped = run(weft_binary, "storm", "draw", "-", "-o", "-", stdin=board)
    assert piped.returncode == 0 and piped.stdout == drawn


def test_mermaid_and_plantuml_have_the_same_notes(draw):
    mermaid, plantuml = (draw(REFERENCE, f"wall.{kind}").read_text() for kind in ("mmd", "puml"))
    assert mermaid.startswith("flowchart LR") and plantuml.startswith("@startuml")
    for name in ("TalkSubmitted", "SubmitTalk", "Engineer", "TellSpeakers", "call-for-papers"):
        assert f'"{name}"' in mermaid and f'"{name}"' in plantuml
