#!/usr/bin/env python3
"""Every lab of examples/labs comes out as it says; and the verdict has teeth: with another guarantee than the lab names, it does not."""
import concurrent.futures
import os
import re
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


LATENCY = "7_latency"  # measures, so it runs alone


def run(*command):
    return subprocess.run([sys.executable, *map(str, command)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=180, check=False)


def scripts():
    return {file.stem: file for file in sorted(LABS.glob("*.py")) if file.stem not in SHARED}


class Labs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """They wait more than they work."""
        cls.done = {LATENCY: run(scripts()[LATENCY])}
        others = [name for name in scripts() if name != LATENCY]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            cls.done |= zip(others, pool.map(lambda name: run(scripts()[name]), others))

    def test_each_comes_out_as_it_says(self):
        for name, done in self.done.items():
            with self.subTest(name):
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn("  ok     ", done.stdout)
                self.assertTrue(done.stdout.endswith("All as expected.\n"), done.stdout)

    def test_the_readme_names_each(self):
        named = re.findall(r"^\| `(\w+)` \|", (LABS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(sorted(named), sorted(self.done))

    def test_another_guarantee_has_another_outcome(self):
        for lab, promised, other in [("4_crash_exactly_once", "exactly_once", "at_least_once"),
                                     ("5_crash_at_least_once", "at_least_once", "exactly_once"),
                                     ("6_crash_at_most_once", "at_most_once", "exactly_once")]:
            text = (LABS / f"{lab}.py").read_text().replace(f'crash(lab, "{promised}"', f'crash(lab, "{other}"')
            done = run("-c", text)
            self.assertEqual(done.returncode, 1, f"{lab} with {other}\n{done.stdout}")
            self.assertIn("  WRONG  rows in orders", done.stdout)


if __name__ == "__main__":
    unittest.main()
