#!/usr/bin/env python3
"""check.py ROOT: reads the #includes below ROOT and names each breach of rules.py, one per line; exit code 1 if there is one.
check.py --control ROOT EXPECTED: a tree of breaches; passes only if exactly the lines of the file EXPECTED are found."""
import re
import sys
from pathlib import Path

import rules

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
LIBRARY = re.compile(r"piperun_library\(\s*(\S+?)[\s)]")
METHOD = re.compile(r"\bvirtual\s+[\w:<>,\s]+?\b(\w+)\(")
OF_DOMAIN_TYPE = re.compile(r"\b\w*Domain\b\s*>?\s*[&*]?\s+(\w+)\s*[;,)={(]")
FROM_A_STORE = re.compile(r"\bauto[&*]*\s+(\w+)\s*=[^;]*\b(?:open_domain|open_stored|domain)\(")
SUFFIXES = {".h", ".cpp", ".def", ".inc"}


def sources(root):
    for part in rules.CODE:
        yield from sorted(p for p in (root / part).rglob("*") if p.suffix in SUFFIXES and p.is_file())


def folder_of(path):
    return path.rsplit("/", 1)[0]


def phase(path):
    """The folder of lang that a path belongs to, `plan` of lang/plan/units.h."""
    return path.split("/")[1]


def may_include_in_lang(user, used):
    """Both are folders of lang; used differs from user."""
    if used in rules.LANG_LEAVES:
        return user not in rules.LANG_LEAVES and (user != "ir" or used == "value")
    if used == "ir":
        return user in rules.MAY_USE_IR
    if user not in rules.LANG_CHAIN or used not in rules.LANG_CHAIN:
        return False
    return rules.LANG_CHAIN.index(used) < rules.LANG_CHAIN.index(user)


def layer_breach(user, used):
    """What is wrong with a file at `user` that includes our file `used`; None if nothing is."""
    here, there = user.split("/")[0], used.split("/")[0]
    if there not in rules.CODE:
        return "is outside of " + ", ".join(rules.CODE)
    if here == "lang":
        if there == "runtime":
            return "lang never includes runtime"
        if there == "lang" and phase(user) != phase(used) and not may_include_in_lang(phase(user), phase(used)):
            return f"lang/{phase(user)} may not include lang/{phase(used)}"
    elif there == "lang" and not user.startswith(rules.SEES_EVERYTHING + "/") and phase(used) not in rules.OF_LANG_IN_RUNTIME:
        return "outside of lang only " + ", ".join(sorted(rules.OF_LANG_IN_RUNTIME)) + f" and, in {rules.SEES_EVERYTHING}, all"
    return None


def door_breach(user, used):
    for prefix, doors in rules.DOORS.items():
        if used.startswith(prefix) and not any(user.startswith(door) for door in doors):
            return "belongs behind " + (" and ".join(doors) if doors else "the tests")
    return "the project uses fmt instead" if used == "format" else None


def cycle(edges):
    """A cycle of folders as a list that ends where it begins; None if there is none."""
    state, stack = {}, []

    def visit(folder):
        state[folder] = "open"
        stack.append(folder)
        for following in sorted(edges.get(folder, ())):
            if state.get(following) == "open":
                return stack[stack.index(following):] + [following]
            if following not in state and (found := visit(following)):
                return found
        stack.pop()
        state[folder] = "done"
        return None

    for folder in sorted(edges):
        if folder not in state and (found := visit(folder)):
            return found
    return None


def include_breaches(root):
    edges, doors = {}, {}
    for path in sources(root):
        user = path.relative_to(root).as_posix()
        for match in INCLUDE.finditer(path.read_text(encoding="utf-8")):
            quoted, used = match.group(1) == '"', match.group(2)
            if quoted:
                if not (root / used).is_file() or used.startswith("."):
                    yield f'{user}: "{used}": not a path from the repository root'
                    continue
                if folder_of(used) != folder_of(user):
                    edges.setdefault(folder_of(user), set()).add(folder_of(used))
                breach = layer_breach(user, used)
            else:
                for prefix in rules.ONE_DOOR:
                    if used.startswith(prefix):
                        doors.setdefault(prefix, set()).add(folder_of(user))
                breach = door_breach(user, used)
            if breach:
                yield f"{user}: {used}: {breach}"
    if found := cycle(edges):
        yield "folders include each other: " + " -> ".join(found)
    for prefix, folders in sorted(doors.items()):
        if len(folders) > 1:
            yield f"{prefix} has more than one door: " + ", ".join(sorted(folders))


def tree_breaches(root):
    visible = {p.name for p in root.iterdir() if not p.name.startswith(".")} - {rules.BUILD_FOLDER}
    for name in sorted(visible - rules.TOP_LEVEL):
        yield f"{name}: not a part of the top level"
    built = {name for part in rules.CODE for lists in (root / part).rglob("CMakeLists.txt")
             for name in LIBRARY.findall(lists.read_text(encoding="utf-8"))}
    folders = {folder_of(p.relative_to(root).as_posix()) for p in sources(root) if p.suffix == ".cpp"}
    for folder in sorted(folders - built):
        yield f"{folder}: no CMakeLists.txt builds it with piperun_library({folder} …)"
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        if set(re.split(r"[/._]", name)) & rules.VAGUE_NAMES:
            yield f"{name}: a name that says nothing"
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".h" and "#pragma once" not in text:
            yield f"{name}: has no #pragma once"
        if "shared_ptr" in text:
            yield f"{name}: shared_ptr: values first, one owner by unique_ptr"


def domain_methods(root):
    header = root / rules.DOMAIN
    return set(METHOD.findall(header.read_text(encoding="utf-8"))) if header.is_file() else set()


def domain_names(path):
    """What a file calls a commit domain: its own variables and parameters, and the members that headers beside it declare."""
    texts = [p.read_text(encoding="utf-8") for p in {path, *path.parent.glob("*.h")}]
    return {name for text in texts for pattern in (OF_DOMAIN_TYPE, FROM_A_STORE) for name in pattern.findall(text)}


def domain_breaches(root):
    methods = domain_methods(root)
    for path in sources(root):
        user = path.relative_to(root).as_posix()
        names = domain_names(path) if methods and not user.startswith(tuple(rules.CALLS_DOMAINS)) else set()
        if not names:
            continue
        call = re.compile(rf"\b({'|'.join(names)})\b\)?\s*(?:->|\.)\s*({'|'.join(methods)})\(")
        for name, method in call.findall(path.read_text(encoding="utf-8")):
            yield f"{user}: {name} {method}: only the executor of the protocol calls a commit domain"


def main(arguments):
    control = arguments[:1] == ["--control"]
    root = Path(arguments[1 if control else 0]).resolve()
    found = [*tree_breaches(root), *include_breaches(root), *domain_breaches(root)]
    if not control:
        print("\n".join(found) if found else f"{sum(1 for _ in sources(root))} files keep the rules")
        return 1 if found or not any(sources(root)) else 0
    expected = Path(arguments[2]).read_text(encoding="utf-8").splitlines()
    missed = [f"not found: {line}" for line in expected if line not in found]
    surplus = [f"not expected: {line}" for line in found if line not in expected]
    print("\n".join(missed + surplus) or f"all {len(expected)} breaches found")
    return 1 if missed or surplus or not expected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
