"""Runs one example twice in a folder of its own and looks at all that it left behind.

usage: check.py PIPERUN EXAMPLES NAME        (UPDATE_GOLDEN=1 writes expected/NAME.json instead of comparing)

First run: the ledger, the rows of every table and topic, and the dead letters are those of expected/NAME.json, and those that
recount.py derives from the data alone. Second run: reads nothing more and changes nothing. `piperun audit` agrees with both.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import recount

EXPECTED = Path(__file__).parent / "expected"
ALL = "1000000000"
SHOWN = 3  # rows that stand in the expected file as they are; the digest covers all


class Example:
    def __init__(self, piperun, folder, name):
        self.piperun, self.folder, self.file = piperun, folder, name + ".pipe"

    def call(self, *words):
        done = subprocess.run([self.piperun, *words], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"piperun {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def run(self):
        return self.call(self.file, "--local", "--drain", "--json")

    def tables(self):
        names = [table["table"] for table in self.call("table", "list", self.file, "--local", "--json")]
        return {name: self.call("table", "peek", name, self.file, "--local", "--json", "--limit", ALL) for name in names}

    def topics(self):
        names = {topic["topic"] for topic in self.call("topic", "list", self.file, "--local", "--json")}
        return {name: [pick(record, "partition", "offset", "key", "value") for record in
                       self.call("topic", "peek", name, self.file, "--local", "--all")] for name in sorted(names)}

    def dead_letters(self):
        letters = self.call("dlq", "show", self.file, "--local")
        return [pick(letter, "code", "reason", "at", "unit", "topic", "partition", "offset", "value") for letter in letters]

    def all(self):
        return {"ledger": self.run(), "tables": self.tables(), "topics": self.topics(), "dead_letters": self.dead_letters()}


def pick(record, *names):
    return {name: record.get(name) for name in names}


def digest(rows):
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return {"rows": len(rows), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(), "first": rows[:SHOWN]}


def condensed(found):
    return {"ledger": found["ledger"],
            "tables": {name: digest(rows) for name, rows in found["tables"].items()},
            "topics": {name: digest(rows) for name, rows in found["topics"].items()},
            "dead_letters": digest(found["dead_letters"]) | {"codes": dict(sorted(Counter(
                letter["code"] for letter in found["dead_letters"]).items()))}}


def compare(found, name):
    path = EXPECTED / f"{name}.json"
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    elif not path.exists():
        sys.exit(f"{path} is missing: UPDATE_GOLDEN=1 writes it")
    elif path.read_text(encoding="utf-8") != text:
        sys.exit(f"not what {path} says; this is what came:\n{text}")


def check(piperun, examples, name):
    with tempfile.TemporaryDirectory(prefix="piperun-example-") as temporary:
        folder = Path(temporary) / "examples"
        shutil.copytree(examples, folder, ignore=shutil.ignore_patterns(".piperun", "*.db*"))
        example = Example(piperun, folder, name)
        first = example.all()
        problems = recount.differences(name, folder / "data", first)
        again = example.all()
        problems += [f"the second run changed the {part}" for part in first if first[part] != again[part]]
        example.call("audit", example.file, "--local")
        if problems:
            sys.exit("\n".join(problems))
        compare(condensed(first), name)


if __name__ == "__main__":
    check(os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3])
