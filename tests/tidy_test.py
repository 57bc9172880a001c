"""Each rule of tidy.py fires on what it forbids and stays silent on what it allows."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tidy  # noqa: E402

CMAKE = """
weft_module(base LIBRARIES fmt)
weft_module(net  DEPENDS base LIBRARIES openssl)
weft_module(http DEPENDS net)
weft_module(cli  DEPENDS http)
"""


def faults(rule, **files):
    """Runs one rule on a made-up tree; a file's name is given with __ for / and ___ for the dot."""
    named = {name.replace("___", ".").replace("__", "/"): text for name, text in files.items()}
    return [str(fault) for fault in rule(tidy.Tree({"CMakeLists.txt": CMAKE, **named}))]


def test_an_include_against_the_arrows_is_a_fault():
    assert faults(tidy.arrows, src__net__a___cc='#include "base/b.h"\n#include "http/c.h"\n') == [
        "src/net/a.cc:2: arrows: net may not include http/c.h"]


def test_an_include_along_the_arrows_may_skip_a_module():
    assert faults(tidy.arrows, src__cli__a___cc='#include "base/b.h"\n#include <net/if.h>\n') == []


def test_testing_headers_are_for_tests():
    text = '#include "net/testing/sim.h"\n'
    assert faults(tidy.arrows, src__net__a___cc=text)
    assert not faults(tidy.arrows, src__net__a_test___cc=text)


@pytest.mark.parametrize("files", [
    {"src__base__string_utils___h": ""}, {"src__utils__a___cc": ""}, {"tests__helpers___py": ""},
    {"src__base__a___cc": "namespace weft::utils {\n"}, {"src__base__a___cc": "class HeaderHelper {\n"}])
def test_utils_and_helpers_are_faults(files):
    assert len(faults(tidy.names, **files)) == 1


def test_a_word_that_only_contains_util_is_a_name():
    assert faults(tidy.names, src__base__utilization___h="struct Utilization {};\n") == []


@pytest.mark.parametrize("text", [
    "auto t = std::chrono::steady_clock::now();", "clock_gettime(CLOCK_REALTIME, &t);", "int i = rand();",
    "std::random_device seed;", "auto t = time(nullptr);"])
def test_clocks_and_randomness_belong_to_the_loop(text):
    assert len(faults(tidy.nondeterminism, src__http__a___cc=text)) == 1
    assert faults(tidy.nondeterminism, src__net__epoll___cc=text) == []
    assert faults(tidy.nondeterminism, src__cli__main___cc=text) == []


def test_a_comment_or_literal_is_not_code():
    text = '// rand()\n/* throw */ const char* k = "std::mutex rand() throw";\n'
    for rule in (tidy.nondeterminism, tidy.sharing, tidy.exceptions):
        assert faults(rule, src__http__a___cc=text) == []


@pytest.mark.parametrize("text", ["std::mutex lock;", "std::atomic<int> n;", "#include <mutex>\n", "std::condition_variable c;"])
def test_locks_and_atomics_are_for_net_and_observe(text):
    assert len(faults(tidy.sharing, src__proxy__a___cc=text)) == 1
    assert faults(tidy.sharing, src__observe__a___cc=text) == []
    assert faults(tidy.sharing, src__base__shared_count___h=text) == []


@pytest.mark.parametrize("text", ["thread_local int depth = 0;\n", "static int g_count = 0;\n"])
def test_globals_are_faults_everywhere(text):
    assert len(faults(tidy.globals_, src__net__a___cc=text)) == 1


@pytest.mark.parametrize("text", ["try { f(); }", "throw 1;", "} catch (int) {"])
def test_exceptions_stay_out_of_the_lower_modules(text):
    assert len(faults(tidy.exceptions, src__http__a___cc=text)) == 1
    assert faults(tidy.exceptions, src__xds__a___cc=text) == []


def test_std_regex_is_a_fault():
    assert len(faults(tidy.regular_expressions, src__http__a___cc="#include <regex>\n")) == 1


def test_a_file_has_a_ceiling():
    assert len(faults(tidy.file_length, src__http__a___cc="\n" * 1001)) == 1
    assert faults(tidy.file_length, src__http__a___cc="\n" * 1000) == []


def test_a_header_begins_with_contract_and_pragma():
    assert faults(tidy.headers, src__http__a___h="// Purpose: one.\n#pragma once\nint f();\n") == []
    assert len(faults(tidy.headers, src__http__a___h="#pragma once\nint f();\n")) == 1
    assert len(faults(tidy.headers, src__http__a___h="// Purpose: one.\n#ifndef A\n#define A\n#endif\n")) == 1


def test_a_source_includes_its_own_header_first():
    header = "// Purpose: one.\n#pragma once\n"
    assert faults(tidy.headers, src__http__a___h=header, src__http__a___cc='#include "http/a.h"\n') == []
    assert len(faults(tidy.headers, src__http__a___h=header, src__http__a___cc='#include <string>\n#include "http/a.h"\n')) == 1


@pytest.mark.parametrize("text", [
    "see /" + "work/x/y", "/" + "home/ann/src", '"res' + 'olved": "x"', "https://pypi" + ".example.org/simple", "../sha" + "red/DESIGN.md"])
def test_traces_of_a_machine_are_faults(text):
    assert len(faults(tidy.machine_traces, docs__a___md=text)) == 1


def body(name: str, lines: int) -> str:
    return f"int {name}(int a) {{\n" + "  a++;\n" * (lines - 2) + "}\n"


def test_a_function_has_a_ceiling():
    assert faults(tidy.function_length, src__http__a___cc=body("f", 70)) == []
    assert faults(tidy.function_length, src__http__a___cc=body("f", 71)) == [
        "src/http/a.cc:1: function-length: f has 71 lines, its ceiling is 70"]


def test_the_list_of_long_functions_only_shrinks():
    def with_list(lines, listed):
        return faults(tidy.function_length, src__http__a___cc=body("f", lines),
                      tests__tidy_long_functions___txt=f"src/http/a.cc:f {listed}\n")
    assert with_list(90, 90) == []
    assert "ceiling is 90" in with_list(91, 90)[0]
    assert "has shrunk: write 80" in with_list(80, 90)[0]
    assert "remove the line" in with_list(60, 90)[0]


def test_functions_are_found_in_ordinary_code():
    code = """
namespace weft {
struct Point { int x; int length() const { return x; } };
Point::Point(int a)
    : x_{a},
      y_{a} {
  if (a) {
  }
}
template <class T>
auto make(T value) -> Thing<T> {
  auto run = [&](int i) {
    return i;
  };
  return run(1);
}
TEST(Point, has_a_length) {
}
const int k[] = {1, 2};
}
"""
    found = [(function.name, function.lines) for function in tidy.functions(code)]
    assert found == [("length", 1), ("Point::Point", 6), ("make", 7), ("Point.has_a_length", 2)]


def test_a_header_that_nobody_else_includes_is_dead():
    files = {"src__http__a___h": "", "src__http__a___cc": '#include "http/a.h"\n', "src__http__a_test___cc": '#include "http/a.h"\n'}
    assert len(faults(tidy.dead_files, **files)) == 1
    assert faults(tidy.dead_files, **files, src__http__b___cc='#include "http/a.h"\n') == []


def test_an_example_that_no_test_names_is_dead():
    assert len(faults(tidy.dead_files, examples__envoy__tls___yaml="")) == 1
    assert faults(tidy.dead_files, examples__envoy__tls___yaml="", tests__e2e__test_tls___py='run("tls.yaml")') == []


def test_every_limit_is_explained_and_documented():
    good = "// ---- Heads ----\n/// Bytes of a head; above: 431.\ninline constexpr size_t kHeadBytesMax = 60 * 1024;\n"
    document = tidy.limits_document(good)
    assert "| `kHeadBytesMax` | `60 * 1024` | Bytes of a head; above: 431. |" in document
    assert faults(tidy.limits, src__base__limits___h=good, docs__limits___md=document) == []
    assert len(faults(tidy.limits, src__base__limits___h=good, docs__limits___md="")) == 1
    bad = "inline constexpr size_t kHeadBytesMax = 1;\n"
    assert len(faults(tidy.limits, src__base__limits___h=bad, docs__limits___md=tidy.limits_document(bad))) == 1


def test_every_verb_and_option_is_documented():
    code = 'app.add_subcommand("proxy", "x"); app.add_option("-c,--config-path", p); app.add_flag("--quiet", q);'
    assert len(faults(tidy.verbs, src__cli__proxy___cc=code)) == 3
    assert faults(tidy.verbs, src__cli__proxy___cc=code, docs__a___md="weft proxy --config-path x --quiet") == []


def test_a_link_leads_to_a_file():
    assert len(faults(tidy.documents, docs__a___md="see [b](b.md)")) == 1
    assert faults(tidy.documents, docs__a___md="see [b](b.md), [c](../src/), [d](https://x.org)", docs__b___md="", src__c___h="") == []


def test_the_life_of_a_request_names_functions_that_exist():
    text = "then `Exchange::on_head()` runs"
    named = {"docs/life-of-a-request.md": text}
    assert len(list(tidy.documents(tidy.Tree(named)))) == 1
    assert list(tidy.documents(tidy.Tree({**named, "src/proxy/exchange.h": "void on_head(int a);"}))) == []


def test_every_rule_has_a_test():
    text = pathlib.Path(__file__).read_text()
    for rule in tidy.ALWAYS + tidy.STRICT:
        assert f"tidy.{rule.__name__}" in text, rule.__name__
