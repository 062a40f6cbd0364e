"""One small pipeline on real servers, and `piperun` called as a person calls it: the ground of the tests of commands about stored data."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

if "KAFKA_DIRECT" not in os.environ:
    sys.exit("run me through tests/integration/run")
HERE = Path(__file__).resolve().parent
PIPERUN = os.environ.get("PIPERUN") or str(HERE.parent.parent / "build" / "tests" / "piperun")
SLOW = 40  # seconds; a command may wait for the session of a process that has just ended

FILE = """
pipeline {name} {{
  delivery        = {delivery}
  commit_interval = 50ms
  on error {{ dead_letter = keep }}
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
param least: decimal(12, 2) = 0.00
type Order {{ id: string, amount: decimal(12, 2), weight: float64? }}
source orders: Order = bus {{ topic = "{name}.in", partitioned_by = id }}
sink lines = {sink}
flow booked {{
  from orders
  dedup id within 1h
  set amount = if amount < $least then fail("too little: {{id}}") else amount
  to lines
}}
"""
SINKS = {"kafka": 'bus {{ topic = "{name}.out" }}', "postgres": 'shop {{ table = "{name}_lines", key = id, create = true }}'}


def order(number, amount="1.00", weight=None):
    return json.dumps({"id": f"o{number}", "amount": float(amount), "weight": weight})


def rows_of(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


class Commands(unittest.TestCase):
    """One pipeline, three orders of which one is too little and one is no JSON, in two partitions."""
    sink = None

    def setUp(self):
        self.name = f"cmd{time.time_ns()}"
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-commands-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = dict(os.environ, NO_COLOR="1")
        self.write(SINKS[self.sink].format(name=self.name))
        for topic in ["in", "out"] if self.sink == "kafka" else ["in"]:
            servers("topic", "create", f"{self.name}.{topic}", "2")
        self.unit = "bus.bus" if self.sink == "kafka" else "bus.shop"
        self.put(0, order(1), order(2, "-5.00"))
        self.put(1, "{broken", order(3, weight=0.30000000000000004))

    def edit(self, old, new):
        text = (self.folder / "p.pipe").read_text()
        self.assertIn(old, text)
        (self.folder / "p.pipe").write_text(text.replace(old, new))

    def write(self, sink, delivery="exactly_once"):
        (self.folder / "p.pipe").write_text(FILE.format(name=self.name, sink=sink, delivery=delivery))

    def piperun(self, *words, text="", code=0, **environment):
        done = subprocess.run([PIPERUN, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=120, check=False,
                              env=self.environment | environment)
        self.assertIn(done.returncode, [0, 3] if code is None else [code], f"piperun {' '.join(words)}\n{done.stdout}{done.stderr}")
        self.assertNotIn("secret@", done.stdout + done.stderr)
        return done

    def put(self, partition, *lines):
        return self.piperun("topic", "put", "orders", "p.pipe", "--partition", str(partition), text="\n".join(lines) + "\n")

    def drain(self, *words):
        return rows_of(self.piperun("p.pipe", "--drain", "--json", *words).stdout)

    def positions(self):
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json").stdout)
        return {each["partition"]: each["next_offset"] for each in shown if each["topic"] == f"{self.name}.in"}

    def lag(self):
        return rows_of(self.piperun("lag", "p.pipe", "--json").stdout)[-1]["lag"]

    def letters(self, *words):
        return rows_of(self.piperun("dlq", "show", "p.pipe", *words).stdout)

    def stored_ids(self, limit=1000):
        """Of every row that was written, with repeats where the sink has no key."""
        if self.sink == "kafka":
            return sorted(json.loads(each["value"])["id"] for each in rows_of(self.piperun("topic", "peek", "lines", "p.pipe", "--all").stdout))
        return sorted(each["id"] for each in rows_of(self.piperun("table", "peek", "lines", "p.pipe", "--json", "--limit", str(limit)).stdout))

    def start(self):
        child = subprocess.Popen([PIPERUN, "p.pipe"], cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child


def servers(*words):
    done = subprocess.run([HERE / "servers", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"servers {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def suite(loader, *classes):
    """`classes`: each with the sinks that it is about."""
    tests = unittest.TestSuite()
    for base, sinks in classes:
        for sink in sinks:
            tests.addTests(loader.loadTestsFromTestCase(type(f"{base.__name__}_{sink}", (base,), {"sink": sink})))
    return tests
