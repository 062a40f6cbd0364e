"""The examples of all functions are true: those of the built-in ones, of the folds over lists and of the standard library.

usage: check.py PIPERUN [--control]       (--control: examples that are wrong in each possible way must all be found)

They are read from `piperun lang --json`, which is what people see. Each becomes a flow of one pipeline; record number n meets the
flow of example n alone, so an example that fails makes one dead letter and no other example suffers.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PRELUDE = """pipeline examples {{ delivery = exactly_once, on error {{ dead_letter = keep }} }}
{uses}
param key: string = secret("KEY")
connection store = embedded {{ path = "examples.db" }}
type Number {{ n: int64 }}
source numbers: Number = file {{ path = "numbers.ndjson" }}
sink results = store {{ table = "results", key = n }}
"""
FLOW = 'flow f{n} {{\n  from numbers\n  filter n == {n}\n  map {{ n, holds = {example} }}\n  to results\n}}\n'
FLOW_LINES = FLOW.count("\n")
WRONG = ['upper("a") == "a"', 'to_int("x")! == 1', 'upper("a") ==', 'no_such("a")', 'upper("a")', "text.lower(1)"]


def examples_of(language):
    """(function, example) of everything that has one; a function without any counts as a wrong one."""
    for function in language["functions"] + language["folds"]:
        yield function["name"] + function["signature"], function["example"]
    for module in language["modules"]:
        for function in module["functions"]:
            indented = [line.strip() for line in function["doc"].splitlines() if line.startswith("  ")]
            for example in indented or [""]:
                yield f"{module['name']}.{function['name']}", example


class Examples:
    def __init__(self, piperun, folder):
        self.piperun, self.folder = piperun, Path(folder)
        language = json.loads(self.call("lang", "--json").stdout)
        self.uses = "\n".join(f"use std.{module['name']}" for module in language["modules"])
        self.all = list(examples_of(language))

    def call(self, *words):
        return subprocess.run([self.piperun, *words], cwd=self.folder, capture_output=True, text=True,
                              env=dict(os.environ, KEY="Jefe"))

    def write(self, numbered):
        prelude = PRELUDE.format(uses=self.uses)
        (self.folder / "examples.pipe").write_text(
            prelude + "".join(FLOW.format(n=n, example=example) for n, (_, example) in numbered.items()), encoding="utf-8")
        (self.folder / "numbers.ndjson").write_text("".join(f'{{"n":{n}}}\n' for n in numbered), encoding="utf-8")
        return prelude.count("\n")

    def drop_what_does_not_compile(self, numbered):
        """Removes those from `numbered` and gives sentences about them. Later phases see only what earlier ones accept."""
        wrong = []
        while True:
            before = self.write(numbered)
            found = [json.loads(line) for line in self.call("check", "examples.pipe", "--json").stdout.splitlines() if line.startswith("{")]
            errors = [one for one in found if one["severity"] == "error"]
            if not errors:
                return wrong
            names = list(numbered)
            for error in errors:
                at = (error["span"]["line"] - 1 - before) // FLOW_LINES
                if not 0 <= at < len(names):
                    sys.exit(f"an error outside the examples: {error}")
                function, example = numbered.pop(names[at], (None, None))
                if function:
                    wrong.append(f"{function}: `{example}` does not compile: {error['code']} {error['message']}")

    def wrong_ones(self):
        numbered = dict(enumerate(self.all))
        wrong = [f"{function}: has no example" for function, example in numbered.values() if not example]
        numbered = {n: one for n, one in numbered.items() if one[1]}
        wrong += self.drop_what_does_not_compile(numbered)
        ran = self.call("examples.pipe", "--drain", "--json")
        if ran.returncode != 0:
            sys.exit(f"the examples do not run: {ran.stdout}{ran.stderr}")
        peeked = self.call("table", "peek", "results", "examples.pipe", "--json", "--limit", "100000")
        rows = [json.loads(line) for line in peeked.stdout.splitlines()]
        holds = {row["n"]: row["holds"] for row in rows}
        letters = [json.loads(line) for line in self.call("dlq", "show", "examples.pipe").stdout.splitlines()]
        reasons = {json.loads(letter["value"])["n"]: letter["reason"] for letter in letters}
        for n, (function, example) in numbered.items():
            if holds.get(n) not in (1, True):
                wrong.append(f"{function}: `{example}` " + (f"fails: {reasons[n]}" if n in reasons else f"is {holds.get(n)!r}"))
        return wrong


def main():
    with tempfile.TemporaryDirectory(prefix="piperun-functions-") as folder:
        examples = Examples(os.path.abspath(sys.argv[1]), folder)
        if "--control" in sys.argv:
            examples.all = examples.all[:5] + [("control", example) for example in WRONG] + examples.all[5:]
            wrong = [one for one in examples.wrong_ones() if one.startswith("control: ")]
            if len(wrong) != len(WRONG):
                sys.exit(f"{len(wrong)} of {len(WRONG)} wrong examples were found:\n" + "\n".join(wrong))
            print(f"{len(wrong)} wrong examples found")
            return
        wrong = examples.wrong_ones()
        if wrong:
            sys.exit("\n".join(wrong) + f"\n{len(wrong)} of {len(examples.all)} examples are wrong")
        print(f"{len(examples.all)} examples are true")


if __name__ == "__main__":
    main()
