#!/usr/bin/env python3
"""SIGTERM while a server says nothing: the run ends at its deadline, tells what it gives up, and the next one has lost nothing."""
import json
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from commands import PIPERUN, rows_of, servers
from processes import wait_until

DEADLINE = 15  # seconds, of `piperun`
ROWS = 2000

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 50ms
  commit_records  = 20
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = {sink}
flow booked {{
  from orders
  to lines
}}
"""


class Stop(unittest.TestCase):
    def setUp(self):
        self.name = f"stop{time.time_ns()}"
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-stop-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(servers, "proxy", "all", "pass")
        for topic in ("in", "out"):
            servers("topic", "create", f"{self.name}.{topic}", "2")

    def write(self, sink):
        (self.folder / "p.pipe").write_text(FILE.format(name=self.name, sink=sink.format(name=self.name)))
        text = "".join(json.dumps({"id": number}) + "\n" for number in range(ROWS))
        self.piperun("topic", "put", "orders", "p.pipe", text=text)

    def piperun(self, *words, text=""):
        done = subprocess.run([PIPERUN, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, f"piperun {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def committed(self):
        return sum(each["read"] for each in rows_of(self.piperun("offsets", "show", "p.pipe", "--json")) if each["topic"] == f"{self.name}.in")

    def stop(self, silent):
        """Its exit code, how long it took from the signal on, and what it said."""
        said = self.folder / "said"
        with open(said, "w", encoding="utf-8") as out, subprocess.Popen([PIPERUN, "p.pipe"], cwd=self.folder, stdout=out, stderr=out) as child:
            try:
                wait_until(lambda: self.committed() > 0, 60, "no batch was committed")
                for route in silent:
                    servers("proxy", route, "hang")
                time.sleep(0.5)
                begun = time.monotonic()
                child.send_signal(signal.SIGTERM)
                code = child.wait(90)
                return code, time.monotonic() - begun, said.read_text()
            finally:
                child.kill()
                servers("proxy", "all", "pass")

    def give_up(self, silent):
        code, seconds, said = self.stop(silent)
        self.assertEqual(code, 3, said)
        self.assertGreater(seconds, DEADLINE - 1)
        self.assertLess(seconds, DEADLINE + 10, said)
        self.assertIn(f"not stopped in good order within {DEADLINE} s", said)
        self.assertIn("Nothing is lost or repeated", said)
        self.assertIn("  bus.", said)
        self.piperun("p.pipe", "--drain")

    def test_a_database_that_says_nothing(self):
        self.write('shop {{ table = "{name}_lines", create = true }}')
        self.give_up(["postgres"])
        rows = rows_of(self.piperun("table", "peek", "lines", "p.pipe", "--json", "--limit", "100000"))
        self.assertEqual(sorted(row["id"] for row in rows), list(range(ROWS)))

    def test_a_broker_that_says_nothing(self):
        self.write('bus {{ topic = "{name}.out" }}')
        self.give_up(["kafka-1"])
        rows = rows_of(self.piperun("topic", "peek", "lines", "p.pipe", "--all"))
        self.assertEqual(sorted(json.loads(row["value"])["id"] for row in rows), list(range(ROWS)))

    def test_servers_that_answer(self):
        self.write('shop {{ table = "{name}_lines", create = true }}')
        code, seconds, said = self.stop([])
        self.assertEqual(code, 0, said)
        self.assertLess(seconds, DEADLINE - 2)
        self.assertNotIn("not stopped", said)


if __name__ == "__main__":
    unittest.main()
