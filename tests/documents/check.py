#!/usr/bin/env python3
"""Checks the blocks of every README:
    pipe     a complete file, which `piperun check` accepts;
    explain  lines that `piperun explain` prints of the last such file before it, in this order;
    sh       `piperun` lines: the command exists and takes these options.

usage: check.py PIPERUN ROOT
       check.py PIPERUN --control FILE   passes only if every block of FILE is found wrong
"""
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(pipe|explain|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documents(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                            capture_output=True, text=True, check=True).stdout
    return [pathlib.Path(root, name) for name in listed.split() if pathlib.Path(root, name).exists()]


class Document:
    def __init__(self, piperun, path, folder):
        self.piperun, self.path, self.folder = piperun, path, folder
        self.file = None  # of the last `pipe` block

    def run(self, *words):
        return subprocess.run([self.piperun, *words], capture_output=True, text=True)

    def wrongs(self):
        """(line, kind, what is wrong or "") of each block."""
        text = self.path.read_text(encoding="utf-8")
        checks = {"pipe": self.check_pipe, "explain": self.check_explain, "sh": self.check_sh}
        for match in BLOCK.finditer(text):
            yield text.count("\n", 0, match.start()) + 2, match.group(1), checks[match.group(1)](match.group(2))

    def check_pipe(self, block):
        self.file = pathlib.Path(self.folder, f"{self.path.stem}.pipe")
        self.file.write_text(block, encoding="utf-8")
        done = self.run("check", str(self.file))
        return done.stdout + done.stderr if done.returncode != 0 else ""

    def check_explain(self, block):
        if self.file is None:
            return "there is no file before it"
        printed = iter(self.run("explain", str(self.file)).stdout.splitlines())
        missing = [line for line in block.splitlines() if line and line not in printed]
        return f"explain does not say, there: {missing[0]}" if missing else ""

    def check_sh(self, block):
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if words[:1] != ["piperun"]:
                continue
            command = next(([*words[1:n]] for n in (3, 2) if self.is_command(words[1:n])), ["run"])
            known = self.run(*command, "--help").stdout
            unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
            if unknown or (command == ["run"] and not words[1:2][0].endswith(".pipe")):
                return f"there is no such command or option: {line}"
        return ""

    def is_command(self, words):
        return bool(words) and not words[0].endswith(".pipe") and self.run(*words, "--help").returncode == 0


def main(piperun, root, *control):
    paths = [pathlib.Path(control[0])] if root == "--control" else documents(root)
    good = wrong = 0
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            for line, kind, why in Document(piperun, path, folder).wrongs():
                good, wrong = good + (not why), wrong + bool(why)
                if bool(why) != bool(control):
                    print(f"{path}:{line}: this {kind} block is {'not ' if control else ''}wrong\n{why}")
    print(f"{good} blocks are right, {wrong} wrong")
    return 1 if good + wrong == 0 or (good if control else wrong) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
