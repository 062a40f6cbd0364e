#!/usr/bin/env python3
"""Runs transcripts: each `$ command` line in a shell with `piperun`, in a fresh copy of the folder `files`; what it writes (both streams) stands
below it, and `[exit N]` if it does not end with 0. A line `...` stands for any number of lines.

usage: transcripts.py PIPERUN [--update] FILE…
"""
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def blocks(text):
    """(command, expected lines) one after the other; lines before the first command have the command None."""
    result = [(None, [])]
    for line in text.splitlines():
        if line.startswith("$ "):
            result.append((line[2:], []))
        else:
            result[-1][1].append(line)
    return result


def run(command, folder, environment):
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return lines + ([f"[exit {done.returncode}]"] if done.returncode else [])


def fits(expected, actual):
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(fits(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and expected[0] == actual[0] and fits(expected[1:], actual[1:])


def strip(lines):
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def main():
    arguments = [word for word in sys.argv[1:] if word != "--update"]
    update, piperun, failed = "--update" in sys.argv, pathlib.Path(arguments[0]).resolve(), 0
    environment = dict(os.environ, PATH=f"{piperun.parent}:{os.environ['PATH']}", NO_COLOR="1", TZ="UTC")
    for path in map(pathlib.Path, arguments[1:]):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch, "files")
            shutil.copytree(HERE / "files", folder)
            out = []
            for command, expected in blocks(path.read_text(encoding="utf-8")):
                if command is None:
                    out += expected
                    continue
                actual = run(command, folder, environment)
                good = fits(strip(expected), strip(actual))
                out += ["$ " + command] + (expected if good else actual + [""])
                if good or update:
                    continue
                failed += 1
                print(f"{path}: $ {command}")
                print("\n".join(difflib.unified_diff(strip(expected), strip(actual), "expected", "there was", lineterm="")))
            if update:
                path.write_text("\n".join(strip(out)) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
