"""`weft storm` as people and programs use it: every command of its documents, exit codes, JSON against the published schema."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEFT = os.environ.get("WEFT_BINARY", str(ROOT / "build/release/weft"))
VALIDATORS = ROOT / "build/storm_validators"
BOARDS = [ROOT / "examples/techtalks/techtalks.board", *sorted((ROOT / "tests/storm").glob("*.board"))]
DOCUMENTS = ["docs/board.md", "docs/guide/event-storming.md"]
COMMANDS = [line for name in DOCUMENTS for block in re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(), re.S)
            for line in block.splitlines()]


def storm(*arguments, cwd=ROOT, text=None):
    return subprocess.run([WEFT, "storm", *map(str, arguments)], cwd=cwd, input=text, capture_output=True, text=True, timeout=60)


def output(*arguments, status=0, **options):
    done = storm(*arguments, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A git repository with all boards, for one document's commands after the other."""
    folder = tmp_path_factory.mktemp("workshop")
    for board in BOARDS:
        shutil.copy(board, folder)
    (folder / "bin").mkdir()
    (folder / "bin/weft").symlink_to(WEFT)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "boards"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_documents_works(workshop, command):
    environment = {**os.environ, "PATH": f"{workshop}/bin:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", command], cwd=workshop, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, command + "\n" + done.stdout + done.stderr


def test_the_table_of_rules_is_that_of_the_program():
    source = (ROOT / "src/storm/finding.cc").read_text()
    levels = {"Error": "error", "Warning": "warn", "Info": "info"}
    rules = [(name, levels[level], text) for name, level, text in re.findall(r'\{"([A-Z0-9]{3})", Level::(\w+),\s*"([^"]+)"\}', source)]
    table = re.findall(r"^\| ([A-Z][A-Z0-9]{2}) \| (\w+) \| (.*) \|$", (ROOT / "docs/board.md").read_text(), re.M)
    assert len(rules) > 40 and table == rules


def test_the_picture_of_the_readme_is_what_draw_makes(tmp_path):
    assert storm("draw", BOARDS[0], "-o", tmp_path / "wall.svg").returncode == 0
    assert (tmp_path / "wall.svg").read_bytes() == (ROOT / "docs/images/techtalks.svg").read_bytes()


def test_the_commands_of_the_readme_work(tmp_path):
    shutil.copytree(ROOT / "examples/techtalks", tmp_path / "examples/techtalks")
    commands = re.findall(r"^    weft (storm .*?)(?:  +#.*)?$", (ROOT / "README.md").read_text(), re.M)
    assert len(commands) == 5
    for command in commands:
        done = storm(*command.split()[1:], cwd=tmp_path)
        assert done.returncode == 0, command + done.stderr


def test_the_board_of_the_documents_is_clean(tmp_path):
    block = re.search(r"```board\n(board .*?)```", (ROOT / "docs/board.md").read_text(), re.S)[1]
    findings = output("lint", "-", "--json", text=block)["findings"]
    assert [finding["rule"] for finding in findings] == ["V02"], findings


@pytest.mark.parametrize("verb", ["new", "fmt", "lint", "show", "emerge", "diff", "draw", "export", "import"])
def test_help_has_examples(verb):
    done = storm(verb, "--help")
    assert done.returncode == 0 and f"weft storm {verb} " in done.stdout


def valid(schema, value, definitions, path="$"):
    """The part of JSON Schema that docs/board.schema.json uses."""
    if "$ref" in schema:
        return valid(definitions[schema["$ref"].rsplit("/", 1)[1]], value, definitions, path)
    if "anyOf" in schema:
        if not any(not list(valid(each, value, definitions, path)) for each in schema["anyOf"]):
            yield f"{path}: fits none"
        return
    types = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None), "array": list, "object": dict}
    wanted = schema.get("type", [])
    if wanted and not any(isinstance(value, types[name]) for name in ([wanted] if isinstance(wanted, str) else wanted)):
        yield f"{path}: is {value!r}, not {wanted}"
        return
    if "enum" in schema and value not in schema["enum"] or "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not allowed"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r}"
    if isinstance(value, dict):
        yield from (f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value)
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner is not None:
                yield from valid(inner, each, definitions, f"{path}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, each in enumerate(value):
            yield from valid(schema["items"], each, definitions, f"{path}[{index}]")


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_json_is_what_the_schema_says(board):
    definitions = json.loads((ROOT / "docs/board.schema.json").read_text())["$defs"]
    for name, arguments in {"lint": ["lint", board], "show": ["show", board], "next": ["show", board, "--next"], "emerge": ["emerge", board],
                            "diff": ["diff", board, BOARDS[0]]}.items():
        status = 1 if name == "diff" and board != BOARDS[0] else 0
        assert not list(valid(definitions[name], output(*arguments, "--json", status=status), definitions)), name


def test_lint_ends_with_1_for_errors_and_2_for_no_board(tmp_path):
    bad = tmp_path / "bad.board"
    bad.write_text("event TalkWithdraw key talk\n")
    found = output("lint", bad, "--json", status=1)
    assert found["findings"][0] == {"rule": "E01", "level": "error", "line": 1, "column": 7, "element": "TalkWithdraw",
                                    "message": "'TalkWithdraw' is not past tense", "hint": "did you mean 'TalkWithdrawn'?"}
    bad.write_text("evnt TalkHeld\n")
    assert [finding["rule"] for finding in output("lint", bad, "--json", status=1)["findings"]] == ["SYN"]
    for missing in (tmp_path / "none.board", tmp_path):
        done = storm("lint", missing, "--json")
        assert done.returncode == 2 and str(missing) in done.stderr and not done.stdout
    bad.write_bytes(b"event A\0B\n")
    assert storm("lint", bad).returncode == 2


def test_severities_come_from_the_line_and_from_a_file(tmp_path):
    board, config = tmp_path / "a.board", tmp_path / "lint.json"
    board.write_text("event TalkWithdraw key talk\n")
    assert storm("lint", board, "--severity", "E01=off").returncode == 0
    assert storm("lint", board, "--severity", "E01=warn").returncode == 0
    assert storm("lint", board, "--severity", "E01=warn", "--fail-on", "warn").returncode == 1
    config.write_text('{"severity": {"E01": "off"}}')
    assert storm("lint", board, "--config", config).returncode == 0
    for text, said in (('{"severity": {"E99": "off"}}', "E99: no such rule"), ('{"severity": {"E01": "loud"}}', "loud: must be one of"),
                       ('{"levels": {}}', "levels: must be"), ("[", "must be a JSON object")):
        config.write_text(text)
        done = storm("lint", board, "--config", config)
        assert done.returncode == 2 and said in done.stderr, done.stderr
    assert storm("lint", board, "--severity", "E01").returncode == 2


def test_sarif_names_rule_place_and_words():
    run = output("lint", BOARDS[0], "--format", "sarif")["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert len(run["results"]) == 35 and {result["ruleId"] for result in run["results"]} == rules
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 28, "startColumn": 9, "endColumn": 20}


@pytest.mark.skipif(not (VALIDATORS / "node_modules/typescript").exists(), reason="the validators from npm are not installed")
@pytest.mark.parametrize("board", ["good", "bad"])
def test_sarif_has_the_types_of_its_schema(tmp_path, board):
    """The schema as TypeScript knows it: fields that are none, wrong types and values that are not allowed do not compile."""
    text = BOARDS[0].read_text() if board == "good" else "evnt \"x\nevent TalkWithdraw\nhotspot \"ü\" on Nobody\n"
    sarif = storm("lint", "-", "--format", "sarif", text=text).stdout
    source = VALIDATORS / f"sarif-{board}.ts"
    source.write_text('import { StaticAnalysisResultsFormatSARIFVersion210JSONSchema } from "@schemastore/sarif-2.1.0";\n'
                      f"export const log: StaticAnalysisResultsFormatSARIFVersion210JSONSchema = {sarif};\n")
    compile_it = ["node", "node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--skipLibCheck", "--moduleResolution", "node", source.name]
    done = subprocess.run(compile_it, cwd=VALIDATORS, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
    source.write_text(source.read_text().replace('"startLine"', '"beginLine"', 1))
    assert subprocess.run(compile_it, cwd=VALIDATORS, capture_output=True, timeout=120).returncode != 0, "the check itself can fail"


def test_github_annotations_escape_what_would_end_them(tmp_path):
    board = tmp_path / "a.board"
    board.write_text('event A%BSent key talk\n')
    line = storm("lint", board, "--format", "github").stdout.splitlines()[0]
    assert re.fullmatch(r"::error file=[^,:]+,line=1,col=7,title=N01::'%25' in the name 'A%25BSent' does not fit a CloudEvents type\. \(a name is a letter, then letters, digits, '_' and '-'\)", line), line


def test_text_shows_the_line(tmp_path):
    done = storm("lint", "-", text="event   TalkWithdraw\n")
    assert "-:1:9: error E01: 'TalkWithdraw' is not past tense\n    1 | event   TalkWithdraw\n      |         ^^^^^^^^^^^^\n" in done.stdout


def test_fmt_rewrites_prints_and_checks(tmp_path):
    board = tmp_path / "a.board"
    board.write_text("event A   key k\nevent   Longer key k\n")
    assert storm("fmt", "--check", board).returncode == 1 and board.read_text().startswith("event A   key")
    printed = storm("fmt", "-", text=board.read_text()).stdout
    board.chmod(0o640)
    assert storm("fmt", board).returncode == 0
    assert board.read_text() == printed == "event   A      key k\nevent   Longer key k\n"
    assert board.stat().st_mode & 0o777 == 0o640
    assert storm("fmt", "--check", board).returncode == 0


@pytest.mark.parametrize("arguments", ["lint {}", "lint {} --format sarif", "show {}", "show {} --next --json", "emerge {}", "fmt -", "diff {} {}", "new -",
                                       "export asyncapi {}", "draw {} -o -"])
def test_a_full_disk_is_told(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([WEFT, "storm", *arguments.format(BOARDS[0], BOARDS[0]).split()], stdin=open(BOARDS[1]), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2 and "standard output: No space left on device" in done.stderr


def test_a_file_is_replaced_whole_through_its_link_and_a_failure_leaves_it(tmp_path):
    board, link = tmp_path / "real.board", tmp_path / "link.board"
    board.write_text("event  A  key k\n")
    link.symlink_to("real.board")
    assert storm("fmt", link).returncode == 0
    assert link.is_symlink() and board.read_text() == "event   A key k\n"
    done = storm("draw", board, "-o", tmp_path / "none" / "a.svg")
    assert done.returncode == 2 and "No such file or directory" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.board", "real.board"], "nothing is left behind"


def test_what_is_too_long_is_refused(tmp_path):
    (tmp_path / "big.json").write_text(" " * (8 * 1024 * 1024 + 1))
    (tmp_path / "a.board").write_text("event TalkHeld fields big.json\n")
    fault, = [finding for finding in output("lint", tmp_path / "a.board", "--json", status=1)["findings"] if finding["rule"] == "SYN"]
    assert fault["message"] == "big.json: has more than 8388608 bytes"
    done = storm("lint", tmp_path / "big.json")
    assert done.returncode == 2 and "big.json: has more than 8388608 bytes" in done.stderr
    done = storm("lint", "-", text="event A\n" * 100_001)
    assert done.returncode == 2 and "100001 elements: a board has at most 100000" in done.stderr


def test_new_overwrites_nothing(tmp_path):
    assert storm("new", "shop.board", "--title", "The shop", cwd=tmp_path).returncode == 0
    assert (tmp_path / "shop.board").read_text().startswith('board   shop "The shop"\nstage   explore\n')
    assert output("show", "shop.board", "--next", "--json", cwd=tmp_path)["next"] == "explore"
    done = storm("new", "shop.board", cwd=tmp_path)
    assert done.returncode == 2 and "is there already" in done.stderr


def test_emerge_writes_only_what_is_named(tmp_path):
    text = (ROOT / "tests/storm/library.board").read_text()
    board = tmp_path / "library.board"
    board.write_text(text)
    shown = storm("emerge", board)
    assert shown.returncode == 0 and board.read_text() == text
    assert "\n  + aggregate Copy  key copy\n  +   commands BuyCopy LendCopy" in shown.stdout, "the patch that --write would apply"
    assert storm("emerge", board, "--write", "Copy").returncode == 0
    assert board.read_text() == text + "\naggregate Copy  key copy\n  commands BuyCopy LendCopy ExtendLoan SendReminder BringBack\n"
    done = storm("emerge", board, "--write", "Cpy")
    assert done.returncode == 2 and "did you mean 'Copy'?" in done.stderr


def test_diff_reads_revisions(workshop):
    game = workshop / "game.board"
    before = game.read_text()
    try:
        game.write_text(before.replace("DrawOffered", "DrawProposed"))
        for arguments in (["HEAD", "game.board"], ["HEAD:game.board", "game.board"], ["HEAD:./game.board", "game.board"]):
            changes = output("diff", *arguments, "--json", cwd=workshop, status=1)["changes"]
            assert [(change["change"], change["name"], change["was"], change["breaking"]) for change in changes] == [("renamed", "DrawProposed", "DrawOffered", True)]
        done = storm("diff", "no-such-revision", "game.board", cwd=workshop)
        assert done.returncode == 2 and "no-such-revision" in done.stderr
        assert storm("diff", "game.board", "none.board", cwd=workshop).returncode == 2
    finally:
        game.write_text(before)
