"""`weft storm export` and `import`: what other people's tools say about the documents.

@asyncapi/parser, ajv and EventCatalog's linter are in build/storm_validators (./dev setup test); without them the tests that
ask them are skipped.
"""
import json
import shutil
import subprocess

import pytest
from processes import ROOT

REFERENCE = ROOT / "examples/techtalks/techtalks.board"
VALIDATORS = ROOT / "build/storm_validators"
SCRIPTS = ROOT / "tests/e2e/storm"
FORMATS = ("asyncapi", "jsonschema", "eventcatalog", "markdown", "cloudevents")

# Small boards with what is likely to break a format: quotes, marks, other scripts, names that differ in case only, cycles.
BOARDS = {
    "hard": '''board größe "A \\"title\\": with # and { } | <b>"
source https://exämple.com/a/
type com.example.{context}.{event}.v2
system Uhr "tick: tock"
actor Kundin "a | b"
event BestellungAufgegeben key bestellung pivotal "said \\"yes\\": {ok} <x> | pipe"
  fields id:uuid, menge:int>=1<=99, preis?:number>=0.5, zustand:string one of offen|"in Arbeit"|true, tags:string[],
         posten:Posten[], am:date, um:time, ok:bool, vor?:ZahlungErhalten, name:string>=1<=40, stufe:int one of 1|2|3
event ZahlungErhalten from Uhr key bestellung fields betrag:number
event Überfällig
event 支付完成 "完"
event paymentDone
event PaymentDone
command Bestelle by Kundin -> BestellungAufgegeben ! ZuViel, ZuWenig fields menge:int>=1, x?:Nirgends
command accepted by Kundin sees Posten -> Überfällig
policy P when ZahlungErhalten if "a > b | c: {d}" then accepted
view Posten from BestellungAufgegeben fields sku:string, teile?:Posten[]
view Überfällig from ZahlungErhalten
aggregate Bestellung key bestellung "immer: wahr" commands Bestelle
context verkauf-größe core owns Bestellung team verkauf
hotspot "Wer | zahlt? {x} <y>" on ZahlungErhalten
''',
    "bare": "event OrderPlaced\nevent OrderPaid\n",
    "untyped": "board shop\nevent A\nevent B key b\ncommand C -> A + B\npolicy P when A then C\nview V from A, B\ncontext one\ncontext two\n",
    "patternless": "type com.example.{context}.{version}\nevent A\nevent B\n",
    "commands": "command A by B ! C\n",
}


@pytest.fixture
def storm(weft_binary):
    def run(*arguments, text=None):
        done = subprocess.run([str(weft_binary), "storm", *map(str, arguments)], input=None if text is None else text.encode(),
                              capture_output=True, timeout=60, cwd=ROOT)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done
    return run


@pytest.fixture(params=["techtalks", *BOARDS, *sorted(path.stem for path in (ROOT / "tests/storm").glob("*.board"))])
def board(request, tmp_path):
    """The path of each board in turn."""
    path = tmp_path / f"{request.param}.board"
    if request.param in BOARDS:
        path.write_text(BOARDS[request.param])
    else:
        shutil.copy(REFERENCE if request.param == "techtalks" else ROOT / f"tests/storm/{request.param}.board", path)
    return path


def ask(script, *arguments, text=None):
    if not (VALIDATORS / "node_modules").is_dir() or not shutil.which("node"):
        pytest.skip("the validators are not installed: ./dev setup test")
    done = subprocess.run(["node", str(SCRIPTS / script), *map(str, arguments)], cwd=VALIDATORS, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def export(storm, form, board, out):
    done = storm("export", form, board, "-o", out)
    assert done.returncode == 0, done.stderr
    return sorted(path for path in out.rglob("*") if path.is_file()) if out.is_dir() else [out]


# ---- asyncapi ----

def test_the_parser_of_asyncapi_has_nothing_against_any_document(storm, board, tmp_path):
    documents = export(storm, "asyncapi", board, tmp_path / "whole.json") + export(storm, "asyncapi", board, tmp_path / "contexts")
    for path, verdict in ask("validate_asyncapi.mjs", *documents).items():
        assert verdict["diagnostics"] == [] and verdict["warnings"] == [], path
        assert verdict["messages"] > 0 or "contexts" in path


def test_the_reference_board_has_37_event_messages_and_six_contexts(storm, tmp_path):
    whole, *_ = export(storm, "asyncapi", REFERENCE, tmp_path / "whole.json")
    document = json.loads(whole.read_text())
    assert len(document["components"]["messages"]) == 37
    assert sum(operation["action"] == "send" for operation in document["operations"].values()) == 37
    contexts = {path.stem: json.loads(path.read_text()) for path in export(storm, "asyncapi", REFERENCE, tmp_path / "contexts")}
    sent = {name: sum(operation["action"] == "send" for operation in each["operations"].values()) for name, each in contexts.items()}
    assert sent == {"call-for-papers": 6, "voting": 7, "programme": 7, "live": 8, "afterwards": 1, "messaging": 5}
    received = [operation["x-weft-policy"] for operation in contexts["voting"]["operations"].values() if "x-weft-policy" in operation]
    assert received == ["PollIfTooMany", "DropWithdrawnFromPoll", "ClosePollAtDeadline"]


# ---- jsonschema ----

def test_ajv_compiles_every_schema_in_strict_mode(storm, board, tmp_path):
    files = export(storm, "jsonschema", board, tmp_path / "whole.json") + export(storm, "jsonschema", board, tmp_path / "schemas")
    assert ask("validate_schemas.mjs", text=json.dumps({"schemas": list(map(str, files)), "cases": []}))["errors"] == {}


def test_ajv_takes_what_the_board_allows_and_nothing_else(storm, tmp_path):
    board = tmp_path / "hard.board"
    board.write_text(BOARDS["hard"])
    schema, *_ = export(storm, "jsonschema", board, tmp_path / "whole.json")
    good = {"id": "7b1c7f0e-7d0a-4b6e-9d26-0d3a55f1c001", "menge": 99, "zustand": "in Arbeit", "tags": [], "posten": [{"sku": "a", "teile": [{"sku": "b"}]}],
            "am": "2026-11-29", "um": "2026-11-29T12:00:00Z", "ok": True, "name": "x", "stufe": 3, "more": 1}
    cases = [(good, True)]
    for key, value in {"id": "7", "menge": 100, "zustand": "zu", "tags": "a", "posten": [{}], "am": "29.11.", "um": "12:00", "ok": 1, "name": "", "stufe": "3", "preis": 0.1, "vor": {}}.items():
        cases.append(({**good, key: value}, False))
    cases += [({key: value for key, value in good.items() if key != "menge"}, False), ({**good, "vor": {"betrag": 1}, "preis": 0.5}, True)]
    asked = [{"schema": str(schema), "pointer": "/$defs/BestellungAufgegeben", "value": value} for value, _ in cases]
    assert ask("validate_schemas.mjs", text=json.dumps({"schemas": [str(schema)], "cases": asked}))["verdicts"] == [verdict for _, verdict in cases]


# ---- eventcatalog ----

def front_matter(path):
    yaml = pytest.importorskip("yaml")
    _, text, _ = path.read_text().split("---\n", 2)
    return yaml.safe_load(text)


def test_every_page_of_a_catalog_has_what_its_collection_requires(storm, board, tmp_path):
    pages = [path for path in export(storm, "eventcatalog", board, tmp_path / "catalog") if path.suffix == ".mdx"]
    ids = {}
    for path in pages:
        front = front_matter(path)
        if path.name == "ubiquitous-language.mdx":
            assert all(isinstance(term["id"], str) and isinstance(term["name"], str) for term in front["dictionary"])
            continue
        assert isinstance(front["id"], str) and isinstance(front["name"], str), path
        if path.parent.name == "teams":
            continue
        assert isinstance(front["version"], str) and isinstance(front.get("summary", ""), str), path
        assert path.parent.name == front["id"]
        ids.setdefault(path.parent.parent.name, set()).add(front["id"])
        if "schemaPath" in front:
            json.loads((path.parent / front["schemaPath"]).read_text())
    messages = ids.get("events", set()) | ids.get("commands", set())
    for path in pages:
        front = front_matter(path)
        for pointer in (front.get("sends") or []) + (front.get("receives") or []):
            assert pointer["id"] in messages
        steps = {step["id"] for step in front.get("steps", [])}
        for step in front.get("steps", []):
            assert len({"message", "actor", "custom", "externalSystem"} & set(step)) == 1
            assert {after["id"] for after in step.get("next_steps", [])} <= steps


def test_eventcatalogs_linter_finds_no_error_but_missing_owners(storm, board, tmp_path):
    """The linter is by EventCatalog's makers. Owners are the teams of contexts: what has none has no owner."""
    linter = VALIDATORS / "node_modules/.bin/eventcatalog-linter"
    if not linter.exists():
        pytest.skip("the validators are not installed: ./dev setup test")
    export(storm, "eventcatalog", board, tmp_path / "catalog")
    (tmp_path / "catalog/.eventcatalogrc.js").write_text("module.exports = {rules: {'best-practices/owner-required': 'off'}};\n")
    done = subprocess.run([str(linter), str(tmp_path / "catalog")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and " error " not in done.stdout, done.stdout


# ---- markdown and cloudevents ----

def test_the_markdown_names_every_event_and_escapes_marks(storm, board, tmp_path):
    path, *_ = export(storm, "markdown", board, tmp_path / "board.md")
    text = path.read_text()
    assert text.startswith("# ") and "## Glossary" in text
    if board.stem == "hard":
        assert 'said "yes": \\{ok\\} \\<x\\> \\| pipe' in text
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") in (5, 6), line


def test_event_types_are_objects_of_knative(storm, board, tmp_path):
    yaml = pytest.importorskip("yaml")
    if board.stem == "commands":
        pytest.skip("no events")
    path, *_ = export(storm, "cloudevents", board, tmp_path / "types.yaml")
    resources = list(yaml.safe_load_all(path.read_text()))
    names = [each["metadata"]["name"] for each in resources]
    assert len(set(names)) == len(names)
    for each, name in zip(resources, names):
        assert (each["apiVersion"], each["kind"]) == ("eventing.knative.dev/v1beta2", "EventType")
        assert len(name) <= 63 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and name.strip("-") == name
        assert set(each["spec"]) <= {"type", "source", "schemaData", "description"} and each["spec"]["type"] and each["spec"]["source"].isascii()
        json.loads(each["spec"].get("schemaData", "{}"))


# ---- all of them ----

@pytest.mark.parametrize("form", FORMATS)
def test_the_same_board_gives_the_same_bytes(storm, tmp_path, form):
    one, two = (export(storm, form, REFERENCE, tmp_path / name / "folder") if form != "markdown" else export(storm, form, REFERENCE, tmp_path / f"{name}.md") for name in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_standard_input_and_output(storm):
    done = storm("export", "asyncapi", "-", "-o", "-", text=BOARDS["bare"])
    assert done.returncode == 0 and len(json.loads(done.stdout)["components"]["messages"]) == 2


def test_a_board_with_faults_exports_what_was_read_and_says_so(storm):
    done = storm("export", "asyncapi", "-", "-o", "-", text="event OrderPlaced\nevnt OrderPaid\n???\n")
    assert done.returncode == 0 and len(json.loads(done.stdout)["components"]["messages"]) == 2
    assert "-:2:1: SYN: unknown element 'evnt'" in done.stderr and "2 faults in -" in done.stderr


@pytest.mark.parametrize("arguments, said", [
    (["openapi", REFERENCE], "unknown format 'openapi': formats are asyncapi, jsonschema, eventcatalog, markdown, cloudevents"),
    (["asyncapi", "/nowhere.board"], "/nowhere.board: No such file or directory"),
    (["asyncapi", REFERENCE, "-o", "/proc/nowhere/x.json"], "/proc/nowhere/x.json"),
    (["asyncapi", REFERENCE, "-o", "/proc/nowhere/folder/"], "/proc/nowhere/folder"),
    (["asyncapi", REFERENCE, "-o", "/tmp/x.yaml"], "asyncapi is written as .json"),
    (["eventcatalog", REFERENCE], "eventcatalog is a folder: -o FOLDER"),
    (["eventcatalog", REFERENCE, "-o", REFERENCE], "is a file"),
], ids=str)
def test_what_cannot_be_done_is_told_and_ends_with_2(storm, arguments, said):
    done = storm("export", *arguments)
    assert done.returncode == 2 and said in done.stderr and done.stdout == "", done.stderr


def test_an_empty_board_is_refused(storm):
    done = storm("export", "asyncapi", "-", text="board x\n")
    assert done.returncode == 2 and "no event and no command" in done.stderr


# ---- import ----

def test_what_is_exported_comes_back_with_every_event_and_field(storm, board, tmp_path):
    if board.stem == "commands":
        pytest.skip("no events")
    export(storm, "asyncapi", board, tmp_path / "whole.json")
    done = storm("import", "asyncapi", tmp_path / "whole.json", "-o", tmp_path / "back.board")
    assert done.returncode == 0 and "unknown: policies" in done.stderr, done.stderr
    before, after = (json.loads(storm("show", "--json", path).stdout) for path in (board, tmp_path / "back.board"))
    assert [(each["name"], each["fields"]) for each in before["events"]] == [(each["name"], each["fields"]) for each in after["events"]]
    findings = json.loads(storm("lint", "--json", tmp_path / "back.board").stdout)["findings"]
    assert [each for each in findings if each["rule"] == "SYN"] == []
    assert "# unknown: " in (tmp_path / "back.board").read_text()


def test_the_contexts_of_a_board_come_back_as_one(storm, tmp_path):
    files = export(storm, "asyncapi", REFERENCE, tmp_path / "contexts")
    done = storm("import", "asyncapi", *files, "-o", "-")
    assert done.returncode == 0 and done.stdout.count("\nevent ") == 37
    assert "MonthStarted: who sends it" in done.stderr


@pytest.mark.parametrize("text, said", [("asyncapi: 3.0.0\n", "is not JSON"), ("{}", "is no AsyncAPI document"), ("\0\xff", "is not JSON"), ("", "is not JSON")], ids=str)
def test_garbage_is_refused(storm, text, said):
    done = storm("import", "asyncapi", "-", "-o", "-", text=text)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


def test_only_asyncapi_can_be_imported(storm):
    assert "unknown format 'openapi'" in storm("import", "openapi", "-", text="{}").stderr
