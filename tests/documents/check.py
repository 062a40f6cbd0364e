#!/usr/bin/env python3
"""Checks every ```pipe block of every README: each is a complete file, and `piperun check` accepts it.

usage: check.py PIPERUN ROOT
"""
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```pipe\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documents(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                            capture_output=True, text=True, check=True).stdout
    return [pathlib.Path(root, name) for name in listed.split() if pathlib.Path(root, name).exists()]


def main(piperun, root):
    checked = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for document in documents(root):
            text = document.read_text(encoding="utf-8")
            for match in BLOCK.finditer(text):
                line = text.count("\n", 0, match.start()) + 2
                path = pathlib.Path(folder, f"{document.stem}_{line}.pipe")
                path.write_text(match.group(1), encoding="utf-8")
                done = subprocess.run([piperun, "check", str(path)], capture_output=True, text=True)
                checked += 1
                if done.returncode != 0:
                    failed += 1
                    print(f"{document}:{line}: this block is not a correct file\n{done.stdout}{done.stderr}")
    print(f"{checked} blocks checked, {failed} wrong")
    return 1 if failed or not checked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
