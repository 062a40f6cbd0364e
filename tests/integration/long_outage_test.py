#!/usr/bin/env python3
"""A broker that is away for longer than an acknowledgement is waited for: what was sent meanwhile is sent again."""
import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from commands import PIPERUN, rows_of, servers
from processes import wait_until

AWAY = 36  # seconds; an acknowledgement is waited for 30 s

FILE = """
pipeline {name} {{
  delivery        = at_least_once
  commit_interval = 50ms
}}
type Line {{ id: int64 }}
source lines: Line = stdin {{ format = json }}
connection bus = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
sink rows = bus {{ topic = "{name}", key = id }}
flow all {{
  from lines
  to rows
}}
"""


class LongOutage(unittest.TestCase):
    def test_nothing_is_lost_under_at_least_once(self):
        name = f"outage{time.time_ns()}"
        servers("topic", "create", name, "1")
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "p.pipe").write_text(FILE.format(name=name))

        def ids():
            done = subprocess.run([PIPERUN, "topic", "peek", "rows", "p.pipe", "--all"], cwd=folder, capture_output=True, text=True, check=True)
            return {json.loads(row["value"])["id"] for row in rows_of(done.stdout)}

        with open(folder / "log", "w", encoding="utf-8") as log, subprocess.Popen(
                [PIPERUN, "p.pipe"], cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env=os.environ) as process:
            def send(first, end):
                process.stdin.write("".join(f'{{"id":{number}}}\n' for number in range(first, end)))
                process.stdin.flush()

            send(0, 10)
            wait_until(lambda: len(ids()) == 10, 30, "the first lines did not arrive")
            servers("proxy", "kafka-1", "cut")
            self.addCleanup(servers, "proxy", "kafka-1", "pass")
            send(10, 20)
            time.sleep(AWAY)
            servers("proxy", "kafka-1", "pass")
            send(20, 30)
            process.stdin.close()
            self.assertEqual(process.wait(60), 0, (folder / "log").read_text())
        self.assertIn("retrying", (folder / "log").read_text(), "the outage was not felt")
        self.assertEqual(ids(), set(range(30)))


if __name__ == "__main__":
    unittest.main()
