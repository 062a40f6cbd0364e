#!/usr/bin/env python3
"""Dead letters for a sink in another system, on real servers: each comes there once, whatever is killed, and can still be replayed."""
import json
import os
import shutil
import tempfile
import time
import unittest
from pathlib import Path

from commands import Commands, rows_of, servers

FILE = """
pipeline {pipeline} {{
  delivery        = {delivery}
  commit_interval = 20ms
  commit_records  = 20
  on error {{ dead_letter = bad }}
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
param least: int64 = 0
type Order {{ id: string, amount: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = {lines}
sink bad   = {bad}
flow booked {{
  from orders
  set amount = if amount < $least then fail("too little: {{id}}") else amount
  to lines
}}
"""
TOPIC, TABLE = 'bus {{ topic = "{name}.{what}" }}', 'shop {{ table = "{name}_{what}", create = true }}'
CHUNK, KILLS = 600, 5


def is_bad(number):
    return number % 5 == 0


def order(number):
    return json.dumps({"id": f"o{number}", "amount": -number if is_bad(number) else number})


def number_of(row):
    return int(row["id"][1:])


class Letters(Commands):
    """`sink`: where the rows are; the letters go into the other system."""

    def setUp(self):
        self.name = f"letters{time.time_ns()}"
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-letters-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = dict(os.environ, NO_COLOR="1")
        self.bad = "kafka" if self.sink == "postgres" else "postgres"
        self.relay = "shop.bus.dead-letters" if self.bad == "kafka" else "bus.shop.dead-letters"
        for what in ("in", "out", "bad"):
            servers("topic", "create", f"{self.name}.{what}", "2")
        self.write_for("exactly_once", self.name)

    def write_for(self, delivery, pipeline):
        place = {"kafka": TOPIC, "postgres": TABLE}
        lines, bad = (place[system].format(name=self.name, what=what) for system, what in ((self.sink, "out"), (self.bad, "bad")))
        (self.folder / "p.pipe").write_text(FILE.format(pipeline=pipeline, name=self.name, delivery=delivery, lines=lines, bad=bad))

    def put_orders(self, first, last):
        for partition in (0, 1):
            self.put(partition, *(order(number) for number in range(first, last) if number % 2 == partition))

    def stored(self, sink, what, system):
        if system == "kafka":
            return [json.loads(each["value"]) for each in rows_of(self.piperun("topic", "peek", sink, "p.pipe", "--all").stdout)]
        table = f"{self.name}_{what}"
        if servers("sql", f"select to_regclass('{table}') is null").strip() == "t":
            return []
        return rows_of(servers("sql", f"select row_to_json(t) from {table} t"))

    def letters_there(self):
        """Of each letter in the sink: the number of its order, and the attempts."""
        letters = [each.get("letter", each) for each in self.stored("bad", "bad", self.bad)]
        return sorted((number_of(json.loads(each["value"])), each["attempts"]) for each in letters)

    def rows_there(self):
        return sorted(number_of(each) for each in self.stored("lines", "out", self.sink))

    def wait_for_more(self, child, than):
        deadline = time.monotonic() + 60
        while len(self.letters_there()) <= than:
            self.assertIsNone(child.poll(), "it ended")
            self.assertLess(time.monotonic(), deadline, "no letter came")
            time.sleep(0.02)

    def test_each_letter_comes_once_under_kills(self):
        for kill in range(KILLS):
            self.put_orders(kill * CHUNK + 1, (kill + 1) * CHUNK + 1)
            seen = len(self.letters_there())
            child = self.start()
            self.wait_for_more(child, seen)
            child.kill()
            child.wait()
        self.drain()
        numbers = range(1, KILLS * CHUNK + 1)
        self.assertEqual(self.rows_there(), [number for number in numbers if not is_bad(number)])
        self.assertEqual(self.letters_there(), [(number, 1) for number in numbers if is_bad(number)])
        said = self.piperun("audit", "p.pipe").stdout
        self.assertNotIn("FAIL", said)
        self.assertIn(f"{self.relay}: read {len(numbers) // 5} ", said)

    def test_a_letter_that_was_carried_on_can_be_replayed_or_dropped(self):
        self.put_orders(1, 21)
        self.drain()
        self.assertEqual(self.letters_there(), [(5, 1), (10, 1), (15, 1), (20, 1)])
        self.assertEqual([each["attempts"] for each in self.letters()], [1] * 4)
        self.piperun("dlq", "replay", "p.pipe", "--where", 'reason == "too little: o5"')
        self.drain("--param", "least=-100")
        self.assertIn(5, self.rows_there())
        self.assertEqual(len(self.letters()), 3)
        self.piperun("dlq", "drop", "p.pipe", "--where", 'reason == "too little: o10"')
        self.piperun("dlq", "replay", "p.pipe")
        self.drain()
        self.assertEqual(self.letters_there(), [(5, 1), (10, 1), (15, 1), (15, 2), (20, 1), (20, 2)], "who was told stays told")
        self.assertEqual([each["attempts"] for each in self.letters()], [2, 2])
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe").stdout)

    def test_without_a_transaction_they_are_sent_directly(self):
        self.put_orders(1, 21)
        for delivery in ("at_least_once", "at_most_once"):
            with self.subTest(delivery):
                self.write_for(delivery, f"{self.name}_{delivery}")
                before = len(self.letters_there())
                self.drain()
                self.assertEqual(len(self.letters_there()) - before, 4)
                self.assertNotIn("dead-letters:", self.piperun("audit", "p.pipe", code=None).stdout)


def load_tests(loader, _, __):
    tests = unittest.TestSuite()
    for sink in ("kafka", "postgres"):
        tests.addTests(loader.loadTestsFromTestCase(type(f"Letters_rows_in_{sink}", (Letters,), {"sink": sink})))
    return tests


if __name__ == "__main__":
    unittest.main(verbosity=2)
