#!/usr/bin/env python3
"""The habits of this repository as a test: module arrows, banned words, sizes, dead files, documents that keep up.

usage: tidy.py [--strict] [--count] [--write]
  --strict  also the rules about the whole tree (dead files, documents, the ratchet); ./dev test runs these
  --count   end with the line "N passed, N failed", one test a rule
  --write   rewrite docs/limits.md from src/base/limits.h

Every fault is one line: path:line: rule: message. tests/tidy_test.py proves that each rule fires.
"""
import dataclasses
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 1000
LONG_FUNCTIONS = "tests/tidy_long_functions.txt"
WITHOUT_EXCEPTIONS = ("base", "net", "http", "proxy")
# Where clocks and randomness may enter, and where threads may share.
NONDETERMINISM = ("src/net/", "src/cli/main.cc")
SHARING = ("src/net/", "src/observe/", "src/base/shared_count")
# Headers that wait for their first user, each with its reason.
SEAMS = {
    "src/proxy/local_call.h": "the second downstream of an exchange; health checks will be its first user",
}
# Glue to libraries: may lock and catch, each with its reason.
GLUE = {
    "src/base/log.cc": "spdlog throws when a file cannot be opened, and every thread logs",
}


@dataclasses.dataclass(frozen=True)
class Fault:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Tree:
    """The repository's text files by path, so that a test can make one up."""

    def __init__(self, files: dict[str, str]):
        self.files = files
        self._code: dict[str, str] = {}

    @staticmethod
    def of_repository() -> "Tree":
        names = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
                               check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        files = {}
        for name in sorted(set(names)):
            try:
                files[name] = (ROOT / name).read_text()
            except (UnicodeDecodeError, FileNotFoundError):
                continue  # a binary seed of the corpus, or a file removed and not yet committed
        return Tree(files)

    def sources(self, suffixes=(".h", ".cc")) -> list[str]:
        return [path for path in self.files if path.startswith("src/") and path.endswith(suffixes)]

    def code(self, path: str) -> str:
        """The file with comments and literals blanked; every line keeps its number."""
        if path not in self._code:
            self._code[path] = blank_comments_and_literals(self.files[path])
        return self._code[path]


LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank_comments_and_literals(text: str) -> str:
    # A digit separator (1'000) is no literal.
    text = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "", text)

    def blank(match: re.Match) -> str:
        if match.start() > 0 and text[:match.start()].rsplit("\n", 1)[-1].lstrip().startswith("#include"):
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())
    return LITERAL.sub(blank, text)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def module_of(path: str) -> str:
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else ""


def is_test(path: str) -> bool:
    return path.endswith(("_test.cc", "_fuzz.cc", "_bench.cc")) or "/testing/" in path


def module_closure(cmake: str) -> dict[str, set[str]]:
    """Which modules each module may include: the DEPENDS of weft_module() and theirs."""
    direct = {}
    for match in re.finditer(r"^weft_module\((\w+)([^)]*)\)", cmake, re.M):
        depends = re.search(r"DEPENDS((?:\s+[a-z_0-9]+)+)", match.group(2))
        direct[match.group(1)] = set(depends.group(1).split()) if depends else set()
    closure = {}
    for name in direct:
        reached, queue = {name}, [name]
        while queue:
            for below in direct.get(queue.pop(), ()):
                if below not in reached:
                    reached.add(below)
                    queue.append(below)
        closure[name] = reached
    return closure


INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


# ---- Rules about one file -------------------------------------------------------------------------------------

def arrows(tree: Tree):
    """A module includes only itself and what CMakeLists.txt lets it link."""
    closure = module_closure(tree.files.get("CMakeLists.txt", ""))
    for path in tree.sources():
        module = module_of(path)
        for match in INCLUDE.finditer(tree.files[path]):
            target = match.group(1).split("/")[0]
            if target in closure and target not in closure.get(module, ()):
                yield Fault(path, line_of(tree.files[path], match.start()), "arrows",
                            f"{module} may not include {match.group(1)}")
            if "/testing/" in match.group(1) and not is_test(path):
                yield Fault(path, line_of(tree.files[path], match.start()), "arrows",
                            f"{match.group(1)} is for tests only")


def names(tree: Tree):
    """No utils, no helpers: a file, namespace or type says what it is for."""
    banned = r"(?:utils?|utilities|helpers?)"
    for path in tree.files:
        if re.search(rf"(?:^|[/_]){banned}(?:[/_.]|$)", path):
            yield Fault(path, 1, "names", "name it after what it does")
    for path in tree.sources():
        pattern = rf"\bnamespace\s+[\w:]*\b{banned}\b|\b(?:class|struct)\s+\w*(?:Utils?|Helpers?)\b"
        for match in re.finditer(pattern, tree.code(path)):
            yield Fault(path, line_of(tree.code(path), match.start()), "names", f"{match.group()}: name it after what it does")


def banned_words(tree: Tree, rule: str, pattern: str, allowed, message: str):
    for path in tree.sources():
        if allowed(path):
            continue
        for match in re.finditer(pattern, tree.code(path), re.M):
            yield Fault(path, line_of(tree.code(path), match.start()), rule, f"{match.group().strip()}: {message}")


def nondeterminism(tree: Tree):
    """Time and randomness are passed in."""
    yield from banned_words(
        tree, "nondeterminism",
        r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b|\b(?:clock_gettime|gettimeofday|getrandom|"
        r"random_device|RAND_bytes|srand|drand48)\b|(?<![\w.>:])(?:std::)?rand\(|(?<![\w.>:])(?:std::|::)?time\((?:nullptr|NULL|0)\)",
        lambda path: path.startswith(NONDETERMINISM) or path.endswith("_bench.cc"), "take it from net::Loop")


def sharing(tree: Tree):
    """Workers share nothing, so they lock nothing."""
    yield from banned_words(
        tree, "sharing", r"\bstd::(?:\w*mutex|atomic\w*|condition_variable\w*|lock_guard|scoped_lock|unique_lock)\b|\bpthread_mutex\w*|"
        r"#\s*include\s*<(?:mutex|shared_mutex|atomic|condition_variable)>",
        lambda path: path.startswith(SHARING) or path in GLUE or is_test(path),
        "only net, observe, base::SharedCount and library glue share")


def globals_(tree: Tree):
    """A worker is an object."""
    yield from banned_words(tree, "globals", r"\bthread_local\b|^\s*(?:static\s+|inline\s+)?[\w:<>*]+\s+\*?g_\w+\s*[=;{]",
                            lambda path: False, "no thread_local, no mutable global")


def exceptions(tree: Tree):
    """Errors travel as Result; exceptions stay in the glue that meets them."""
    yield from banned_words(tree, "exceptions", r"\b(?:try\s*\{|throw\b(?!\s*\()|throw\s*\(|catch\s*\()",
                            lambda path: module_of(path) not in WITHOUT_EXCEPTIONS or path in GLUE or is_test(path),
                            "return a Result")


def regular_expressions(tree: Tree):
    """std::regex backtracks without bound; safe_regex is RE2."""
    yield from banned_words(tree, "regex", r"#\s*include\s*<regex>|\bstd::regex\w*", lambda path: False, "use RE2")


def file_length(tree: Tree):
    for path, text in tree.files.items():
        if path.endswith((".h", ".cc", ".py", ".cmake", "CMakeLists.txt", "dev")) and text.count("\n") > FILE_LINES_MAX:
            yield Fault(path, FILE_LINES_MAX + 1, "file-length", f"{text.count(chr(10))} lines, the ceiling is {FILE_LINES_MAX}")


def headers(tree: Tree):
    """A header begins with its contract in a comment and #pragma once; a source includes its own header first."""
    for path in tree.sources():
        text = tree.files[path]
        if path.endswith(".h"):
            first = next((line for line in tree.code(path).splitlines() if line.strip()), "")
            if first.strip() != "#pragma once":
                yield Fault(path, 1, "headers", "the first line of code must be #pragma once")
            opening = text.split("#pragma once")[0] + text.split("#pragma once")[-1][:200].lstrip()
            if not opening.lstrip().startswith("//"):
                yield Fault(path, 1, "headers", "must begin with a comment: purpose, thread, owner, source")
        own = path.removeprefix("src/").rsplit(".", 1)[0] + ".h"
        if path.endswith(".cc") and "src/" + own in tree.files:
            first_include = re.search(r"^\s*#\s*include\s*(\S+)", text, re.M)
            if not first_include or first_include.group(1) != f'"{own}"':
                yield Fault(path, 1, "headers", f'must include "{own}" first')


def machine_traces(tree: Tree):
    """Nothing of the machine it was written on."""
    pattern = re.compile(
        r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/|\"resolved\":|https?://[^/\s\"]*(?:registry|artifactory|nexus|pypi|mirror|goproxy)[^/\s\"]*|"
        r"(?<![\w/])(?:\.\./)*shared/(?:DESIGN|STYLE|anchors)|\.library/")
    for path, text in tree.files.items():
        if path in ("tests/tidy.py", "tests/tidy_test.py"):
            continue
        for match in pattern.finditer(text):
            yield Fault(path, line_of(text, match.start()), "machine-traces", match.group())


# ---- Rules about the whole tree -------------------------------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    lines: int


def functions(code: str) -> list[Function]:
    """Function bodies at namespace or class scope, found by their braces; lambdas count for the function around them."""
    found, scopes, start, depth = [], [], 0, 0
    for match in re.finditer(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*|[{}();]", code, re.M):
        token, position = match.group(), match.start()
        if token.lstrip().startswith("#"):
            if depth == 0:
                start = match.end()
            continue
        if token in "()":
            depth += 1 if token == "(" else -1
        elif token == ";" and depth == 0:
            start = match.end()
        elif token == "{":
            header = code[start:position]
            kind = classify(header, scopes)
            first = position - len(header.lstrip())
            scopes.append((kind, header, first, depth, start))
            depth, start = 0, match.end()
        elif token == "}" and scopes:
            kind, header, first, depth, outer_start = scopes.pop()
            if kind == "function":
                found.append(Function(function_name(header), line_of(code, first),
                                      code.count("\n", first, match.start()) + 1))
            start = match.end() if depth == 0 and kind != "value" else outer_start
    return found


def function_name(header: str) -> str:
    test = re.search(r"\bTEST(?:_[FP])?\(\s*(\w+)\s*,\s*(\w+)", header)
    if test:
        return f"{test.group(1)}.{test.group(2)}"
    name = re.search(r"([~\w:<>]+|operator\W+)\s*\(", header)
    return " ".join(name.group(1).split()) if name else "?"


def classify(header: str, scopes: list) -> str:
    if any(scope[0] == "function" for scope in scopes):
        return "block"
    text = header.strip()
    if re.match(r"(?:inline\s+)?namespace\b|extern\b\s*$", text):
        return "namespace"
    if "(" not in re.sub(r"\balignas\s*\([^)]*\)", "", text) and re.search(r"\b(?:class|struct|union|enum)\b", text):
        return "type"
    if ")" in text and not re.search(r"=\s*$", text):
        # A member initializer with braces, as in `: a_{1}, b_{2} {`, is not the body yet.
        if re.search(r"\)[^()]*:(?!:).*\w\s*$", text, re.S):
            return "value"
        return "function"
    return "value"


def function_length(tree: Tree, strict: bool = True):
    """No function above the ceiling, except those of the list, which only shrinks."""
    listed = {}
    for line in tree.files.get(LONG_FUNCTIONS, "").splitlines():
        if line and not line.startswith("#"):
            key, lines = line.rsplit(" ", 1)
            listed[key] = int(lines)
    seen = set()
    for path in tree.sources() + [path for path in tree.files if path.startswith("tests/") and path.endswith((".h", ".cc"))]:
        for function in functions(tree.code(path)):
            key = f"{path}:{function.name}"
            if function.lines <= FUNCTION_LINES_MAX:
                continue
            seen.add(key)
            ceiling = listed.get(key, FUNCTION_LINES_MAX)
            if function.lines > ceiling:
                yield Fault(path, function.line, "function-length",
                            f"{function.name} has {function.lines} lines, its ceiling is {ceiling}")
            elif strict and function.lines < ceiling:
                yield Fault(LONG_FUNCTIONS, 1, "function-length", f"{key} has shrunk: write {function.lines}")
    for key in listed:
        if strict and key not in seen:
            yield Fault(LONG_FUNCTIONS, 1, "function-length", f"{key} is short now: remove the line")


def dead_files(tree: Tree):
    """A header that only its own source and tests include is dead, and so is an example that no test runs."""
    users: dict[str, set[str]] = {}
    for path, text in tree.files.items():
        if path.endswith((".h", ".cc")):
            for match in INCLUDE.finditer(text):
                users.setdefault("src/" + match.group(1), set()).add(path)
    for path in tree.sources((".h",)):
        if path in SEAMS:
            continue
        stem = path.removesuffix(".h")
        own = {stem + suffix for suffix in (".cc", "_test.cc", "_fuzz.cc", "_bench.cc")}
        others = {user for user in users.get(path, set()) - own if "/testing/" in path or not is_test(user)}
        if not others:
            yield Fault(path, 1, "dead-files", "nothing includes it but its own source and tests")
    tests = "\n".join(text for path, text in tree.files.items()
                      if path.startswith("tests/") and path.endswith((".py", ".cc")) or path.endswith("_test.cc"))
    for path in tree.files:
        if path.startswith("examples/envoy/") and path.rsplit("/", 1)[1].rsplit(".", 1)[0] not in tests:
            yield Fault(path, 1, "dead-files", "no test names it")


def limits_document(limits: str) -> str:
    """docs/limits.md, made from the constants of base/limits.h and their comments."""
    out = ["# Limits", "",
           "Every queue, buffer, header, body, retry and pool has a bound. When it is full there is a defined answer, never growth.",
           "This page is made from `src/base/limits.h` by `./dev fmt`; tidy fails when they differ.", ""]
    comment: list[str] = []
    in_table = False
    for line in limits.splitlines():
        section = re.match(r"// -+ (.*?) -+$", line)
        constant = re.match(r"inline constexpr [\w:<>]+ (k\w+)\s*(?:=\s*([^;]+)|\{([^;]*)\});\s*(?:///<\s*(.*))?$", line)
        if section:
            out += ["", f"## {section.group(1)}"] if in_table else [f"## {section.group(1)}"]
            in_table, comment = False, []
        elif line.startswith("///"):
            comment.append(line.removeprefix("///").strip())
        elif constant:
            if not in_table:
                out += ["", "| limit | value | unit, reason, answer |", "| --- | --- | --- |"]
                in_table = True
            value = constant.group(2) or constant.group(3)
            reason = constant.group(4) or " ".join(comment)
            out.append(f"| `{constant.group(1)}` | `{value.strip()}` | {reason.replace('|', '/')} |")
            comment = []
        else:
            comment = []
    return "\n".join(out) + "\n"


def limits(tree: Tree):
    """Every constant of base/limits.h has a comment, and docs/limits.md says the same."""
    source = tree.files.get("src/base/limits.h")
    if source is None:
        return
    document = limits_document(source)
    for match in re.finditer(r"\bconstexpr\b[^=;{]*?\b(k\w+)\s*[={]", source):
        row = re.search(rf"^\| `{match.group(1)}` \| `[^`]*` \| (.*) \|$", document, re.M)
        if not row or not row.group(1).strip():
            yield Fault("src/base/limits.h", line_of(source, match.start()), "limits",
                        f"{match.group(1)} needs one line and a /// comment with unit and reason")
    if tree.files.get("docs/limits.md") != document:
        yield Fault("docs/limits.md", 1, "limits", "differs from src/base/limits.h: run ./dev fmt")


def verbs(tree: Tree):
    """Every verb and option of the command line is in the documents."""
    documents = "\n".join(text for path, text in tree.files.items()
                          if path == "README.md" or path.startswith("docs/") and path.endswith(".md"))
    for path in tree.sources((".cc",)):
        if module_of(path) != "cli" or is_test(path):
            continue
        # A verb of a verb is added to an object of that name: `storm.add_subcommand("lint"`, or `add(storm, status, "lint"`.
        for match in re.finditer(r'(\w+)(?:\.|->)add_subcommand\(\s*"([\w-]+)"|\badd\(\s*(\w+),\s*status,\s*"([\w-]+)"|'
                                 r'add_(?:option|flag)\w*(?:<[^>]*>)?\(\s*"([^"]+)"', tree.files[path]):
            above, verb, option = match[1] or match[3], match[2] or match[4], match[5]
            wanted = re.split(r"[,{]", option)[-1] if option else f"weft {verb}" if above == "app" else f"weft {above} {verb}"
            if wanted not in documents:
                yield Fault(path, line_of(tree.files[path], match.start()), "verbs", f"`{wanted}` is in no document")


def documents(tree: Tree):
    """A link in a document leads to a file, and a function named in life-of-a-request.md exists."""
    code = "\n".join(tree.code(path) for path in tree.sources() if not is_test(path))
    for path, text in tree.files.items():
        if not path.endswith(".md"):
            continue
        for match in re.finditer(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            target = os.path.normpath(os.path.join(os.path.dirname(path), match.group(1)))
            if target not in tree.files and not any(name.startswith(target + "/") for name in tree.files):
                yield Fault(path, line_of(text, match.start()), "documents", f"{match.group(1)} does not exist")
        if path == "docs/life-of-a-request.md":
            for match in re.finditer(r"`(?:\w+::)*(\w+)\(\)`", text):
                if not re.search(rf"\b{match.group(1)}\s*\(", code):
                    yield Fault(path, line_of(text, match.start()), "documents", f"no function {match.group(1)} in src/")


ALWAYS = [arrows, names, nondeterminism, sharing, globals_, exceptions, regular_expressions, file_length, headers,
          machine_traces]
STRICT = [function_length, dead_files, limits, verbs, documents]


def main() -> int:
    tree = Tree.of_repository()
    if "--write" in sys.argv:
        (ROOT / "docs/limits.md").write_text(limits_document(tree.files["src/base/limits.h"]))
        return 0
    rules = ALWAYS + (STRICT if "--strict" in sys.argv else [])
    failed = 0
    for rule in rules:
        faults = list(rule(tree))
        failed += bool(faults)
        for fault in faults:
            print(fault)
    if "--count" in sys.argv:
        print(f"{len(rules) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
