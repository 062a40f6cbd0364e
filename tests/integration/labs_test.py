#!/usr/bin/env python3
"""Every lab of examples/labs comes out as it says; and the verdict has teeth: with another guarantee than the lab names, it does not."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

if "KAFKA_DIRECT" not in os.environ:
    sys.exit("run me through tests/integration/run")
ROOT = Path(__file__).resolve().parent.parent.parent
LABS = ROOT / "examples" / "labs"
SHARED = {"lab", "crash", "naive"}
ENVIRONMENT = os.environ | {"PIPERUN": os.environ.get("PIPERUN") or str(ROOT / "build" / "tests" / "piperun"), "PYTHONPATH": str(LABS)}


def run(*command):
    return subprocess.run([sys.executable, *map(str, command)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)


class Labs(unittest.TestCase):
    def test_there_are_the_eight_exercises_and_the_crash_demonstrations(self):
        for name in [*map(str, range(1, 9)), "auto_commit", "manual_commit", "batch", "side_by_side"]:
            self.assertEqual(len([file for file in LABS.glob(f"{name}*.py")]), 1, name)

    def test_another_guarantee_has_another_outcome(self):
        for lab, promised, other in [("4_crash_exactly_once", "exactly_once", "at_least_once"), ("5_crash_at_least_once", "at_least_once", "exactly_once"),
                                     ("6_crash_at_most_once", "at_most_once", "exactly_once")]:
            text = (LABS / f"{lab}.py").read_text().replace(f'crash(lab, "{promised}"', f'crash(lab, "{other}"')
            done = run("-c", text)
            self.assertEqual(done.returncode, 1, f"{lab} with {other}\n{done.stdout}")
            self.assertIn("  WRONG  rows in orders", done.stdout)


def expectation(lab):
    def test(self):
        done = run(lab)
        self.assertEqual(done.returncode, 0, f"{lab.name}\n{done.stdout}")
        self.assertIn("  ok     ", done.stdout)
        self.assertTrue(done.stdout.endswith("All as expected.\n"), done.stdout)
    return test


for file in sorted(LABS.glob("*.py")):
    if file.stem not in SHARED:
        setattr(Labs, f"test_{file.stem}", expectation(file))

if __name__ == "__main__":
    unittest.main()
