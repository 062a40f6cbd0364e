#!/usr/bin/env python3
"""`From Kafka to PostgreSQL` in the main README: its file and its commands, as they stand there, print what stands there."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

if "KAFKA_DIRECT" not in os.environ:
    sys.exit("run me through tests/integration/run")
ROOT = Path(__file__).resolve().parent.parent.parent
PIPERUN = Path(os.environ.get("PIPERUN") or ROOT / "build" / "tests" / "piperun")


def blocks():
    """Of that section: {kind: text}. What is made in the servers gets names that no earlier run has used."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## From Kafka to PostgreSQL\n")[1].split("\n## ")[0]
    found = dict(re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    found["pipe"] = re.sub(r'(topic = "\w+|table = "\w+|^pipeline \w+)', rf"\1_{time.time_ns()}", found["pipe"], flags=re.MULTILINE)
    return found


class QuickStart(unittest.TestCase):
    def test_it_works_as_it_stands(self):
        found = blocks()
        self.assertEqual(set(found), {"pipe", "sh", "text"})
        folder = Path(tempfile.mkdtemp(prefix="piperun-quick-start-"))
        self.addCleanup(shutil.rmtree, folder)
        (folder / "tests").symlink_to(ROOT / "tests")
        (folder / "bookings.pipe").write_text(found["pipe"], encoding="utf-8")
        (folder / "piperun").symlink_to(PIPERUN.absolute())
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", found["sh"]], cwd=folder, env=environment, capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        printed = iter(done.stdout.splitlines())
        for line in found["text"].splitlines():
            self.assertTrue(any(line.rstrip() in said for said in printed), f"not printed, there: {line}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    unittest.main()
