#!/usr/bin/env python3
"""The disk of the local keys is full: the pipeline says so and waits, loses nothing, and goes on by itself when there is space."""
import json
import os
import subprocess
import sys
import unittest

from processes import wait_until
from running import Pipelines

KEYS = 4000  # of 200 bytes: more than a disk of one megabyte holds
REPEATS = 500

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 20ms
  commit_records  = 200
  on error {{ pause = 1s, backoff = 50ms..500ms }}
}}
connection bus = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
type Order {{ id: string }}
source orders: Order = bus {{ topic = "{name}.in", partitioned_by = id }}
sink lines = bus {{ topic = "{name}.out" }}
flow booked {{
  from orders
  dedup id within 1h
  to lines
}}
"""


def key(number):
    return f"{number:06}" + "k" * 194


class FullDisk(Pipelines):
    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"
        self.state.mkdir()
        self.mount("size=1m")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.state], check=True)
        self.write(FILE)
        self.topic("in", 1)
        self.topic("out", 1)
        self.put_keys(range(KEYS))

    def mount(self, options):
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.state], check=True)

    def put_keys(self, numbers):
        self.piperun("topic", "put", "orders", "p.pipe", text="".join(json.dumps({"id": key(number)}) + "\n" for number in numbers))

    def numbers_there(self):
        return [int(each[:6]) for each in self.ids_in_topic()]

    def start_until_full(self):
        running = self.start("p.pipe", "--state-dir", "state")
        wait_until(lambda: "paused" in running.said(), 60, "the disk is not full")
        self.assertIn(f"error=no space is left for state/{self.name}.keys/bus.bus.0.db", running.said())
        self.assertIsNone(running.child.poll(), running.said())
        self.assertLess(self.read(), KEYS)
        return running

    def goes_on(self):
        wait_until(lambda: self.read() == KEYS, 60, "it does not go on")
        self.put_keys(range(0, KEYS, KEYS // REPEATS))
        wait_until(lambda: self.read() == KEYS + REPEATS, 60, "it does not go on")
        self.assertEqual(self.numbers_there(), list(range(KEYS)))

    def test_it_goes_on_when_there_is_space(self):
        running = self.start_until_full()
        seen = self.numbers_there()
        self.assertEqual(seen, list(range(len(seen))))
        self.mount("remount,size=64m")
        self.goes_on()
        self.assertEqual(running.stop(), 0)
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe", "--state-dir", "state"))

    def test_stopped_and_killed_meanwhile(self):
        running = self.start_until_full()
        self.assertEqual(running.stop(), 0, "what was committed is whole without its local copy")
        self.assertEqual(self.numbers_there(), list(range(self.read())))
        running = self.start("p.pipe", "--state-dir", "state")
        wait_until(lambda: f"error=no space is left for state/{self.name}.keys" in running.said(), 30, "it does not say what it waits for")
        running.kill()
        self.mount("remount,size=64m")
        self.start("p.pipe", "--state-dir", "state")
        self.goes_on()


if __name__ == "__main__":
    if "PIPERUN_MOUNTS" not in os.environ:  # mounts of our own, that nobody else sees and that go with this process
        way = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
        os.execvpe("unshare", ["unshare", *way, sys.executable, *sys.argv], dict(os.environ, PIPERUN_MOUNTS="own"))
    unittest.main()
