#!/usr/bin/env python3
"""Copies the pinned .proto files into the build tree, patches the copy, and runs protoc on the closure of roots.txt.

usage: generate.py <deps folder of @grpc/grpc-js-xds> <output folder>

Leaves <output>/proto (the patched copy), <output>/gen (C++), and <output>/files.txt (one .proto a line).
"""
import pathlib
import re
import shutil
import subprocess
import sys

FOLDERS = ("envoy-api", "googleapis", "protoc-gen-validate", "xds")


def patch(path: pathlib.Path, old: str, new: str) -> None:
    """Replaces `old`, which must occur exactly once, so that an update of the package cannot pass unnoticed."""
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{path}: expected exactly one {old!r}; the package changed, look at this patch again")
    path.write_text(text.replace(old, new))


def copy_and_patch(deps: pathlib.Path, copy: pathlib.Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    for folder in FOLDERS:
        for source in (deps / folder).rglob("*.proto"):
            target = copy / source.relative_to(deps / folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    # Four Envoy files say ignore_empty, a rule newer than the validate.proto in the package.
    patch(copy / "validate/validate.proto",
          "  optional bool strict = 25 [default = true];\n",
          "  optional bool strict = 25 [default = true];\n\n"
          "  // Rules are skipped when the field holds the empty string.\n"
          "  optional bool ignore_empty = 26;\n")
    # `requires` is a keyword of C++20; the JSON name stays, so configuration reads the same.
    jwt = copy / "envoy/extensions/filters/http/jwt_authn/v3/config.proto"
    patch(jwt, "JwtRequirement requires = 2;", 'JwtRequirement requires_ = 2 [json_name = "requires"];')
    patch(jwt, "\n  requires = 3;", '\n  requires_ = 3 [json_name = "requires"];')


def closure(copy: pathlib.Path, roots: list[str]) -> list[str]:
    """All files that the roots import, themselves included; google/protobuf/* come with libprotobuf."""
    seen: set[str] = set()
    queue = list(roots)
    while queue:
        name = queue.pop()
        if name in seen or name.startswith("google/protobuf/"):
            continue
        seen.add(name)
        queue += re.findall(r'^import\s+(?:public\s+)?"([^"]+)"', (copy / name).read_text(), re.M)
    return sorted(seen)


def main() -> None:
    deps, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    copy, generated = output / "proto", output / "gen"
    lines = (pathlib.Path(__file__).parent / "roots.txt").read_text().splitlines()
    roots = [line for line in lines if line and not line.startswith("#")]
    copy_and_patch(deps, copy)
    files = closure(copy, roots)
    shutil.rmtree(generated, ignore_errors=True)
    generated.mkdir(parents=True)
    subprocess.run(["protoc", f"-I{copy}", f"--cpp_out={generated}", *files], check=True)
    (output / "files.txt").write_text("\n".join(files) + "\n")
    print(f"protos: {len(files)} files generated")


if __name__ == "__main__":
    main()
