#!/usr/bin/env python3
"""A pipeline whose servers come late: it waits, says for whom, goes on by itself when they come, and can be stopped meanwhile."""
import signal
import time
import unittest

from commands import servers
from processes import wait_until
from running import INTO_TABLE, Pipelines

STOPPED = 13  # seconds; a question to a server that says nothing is given up at the deadline of a stop
ROWS = 100

BROKER = "no broker of the cluster answers at "
DATABASE = "cannot be reached: connection to server at "


LOOKED_UP = """
pipeline {name} {{
  delivery        = at_most_once
  commit_interval = 50ms
  commit_records  = 50
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
type Kind {{ id: int64, kind: string }}
table kinds: Kind = shop {{ table = "{name}_kinds", key = id }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = bus {{ topic = "{name}.out" }}
flow booked {{
  from orders
  enrich found = kinds[id] ?? fail("no kind of {{id}}")
  map {{ id, kind = found.kind }}
  to lines
}}
"""

INTO_BOTH = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 50ms
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines  = bus  {{ topic = "{name}.out" }}
sink booked = shop {{ table = "{name}_lines", create = true }}
flow both {{
  from orders
  to lines
  to booked
}}
"""


class LateServers(Pipelines):
    def setUp(self):
        super().setUp()
        self.addCleanup(servers, "proxy", "all", "pass")
        self.topic("in")

    def without(self, server, fault, *words):
        """Two runs: one is stopped while it waits, the other goes on when `server` is there."""
        self.write(INTO_TABLE, delivery="exactly_once", records=1000)
        self.put(range(ROWS))
        servers("proxy", server, fault)
        stopped = self.start("p.pipe", "--state-dir", "stopped", log="stopped")
        waiting = self.start("p.pipe", log="waiting")
        wait_until(lambda: stopped.blocks(signal.SIGTERM), 30, "it does not come to its work")
        time.sleep(1)  # into the middle of what it asks
        stopped.child.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        self.assertEqual(stopped.wait(), 3, "it has not done its work")
        self.assertLess(time.monotonic() - begun, STOPPED)
        wait_until(lambda: "retrying" in waiting.said(), 30, "it does not say that it waits")
        for part in ("unit=bus.shop", *words):
            self.assertIn(part, waiting.said())
        self.assertNotIn("secret", waiting.said())
        self.assertIsNone(waiting.child.poll(), waiting.said())
        servers("proxy", server, "pass")
        wait_until(lambda: self.ids_in_table(f"{self.name}_lines") == list(range(ROWS)), 60, "it does not go on")
        self.assertEqual(waiting.stop(), 0, waiting.said())

    def test_a_broker_that_is_down(self):
        self.without("kafka-1", "cut", BROKER, "nothing listens there; start a broker, or mend `brokers`")

    def test_a_broker_that_says_nothing(self):
        self.without("kafka-1", "hang", BROKER)

    def test_a_database_that_is_down(self):
        self.without("postgres", "cut", DATABASE, "Connection refused")

    def test_a_database_that_says_nothing(self):
        self.without("postgres", "hang", DATABASE, "timeout expired")

    def test_a_database_that_goes_costs_at_most_once_one_batch(self):
        """What is read while it is away is lost, so nothing is read."""
        batch = 50
        self.write(INTO_TABLE, delivery="at_most_once", records=batch)
        running = self.start("p.pipe")
        self.put(range(ROWS))
        wait_until(lambda: len(self.ids_in_table(f"{self.name}_lines")) == ROWS, 30, running.said())
        servers("proxy", "postgres", "cut")
        self.put(range(ROWS, 2 * ROWS))
        wait_until(lambda: "retrying" in running.said(), 30, "it does not say that it waits")
        for wave in (2, 3):
            self.put(range(wave * ROWS, (wave + 1) * ROWS))
            time.sleep(0.5)  # a batch would be taken
        servers("proxy", "postgres", "pass")
        self.put([4 * ROWS], partition=0)
        self.put([4 * ROWS + 1], partition=1)
        wait_until(lambda: self.ids_in_table(f"{self.name}_lines")[-2:] == [4 * ROWS, 4 * ROWS + 1], 60, running.said())
        self.assertEqual(running.stop(), 0, running.said())
        rows = self.ids_in_table(f"{self.name}_lines")
        self.assertEqual(len(set(rows)), len(rows), "a record came twice")
        self.assertGreaterEqual(len(rows), 4 * ROWS + 2 - batch)
        self.assertEqual(self.read(), 4 * ROWS + 2)

    def test_a_database_that_is_down_keeps_nobody_waiting_who_needs_none(self):
        """The part between topics goes on: where its process starts anew, and where another one comes beside it."""
        self.write(INTO_BOTH)
        self.topic("out")
        self.put(range(ROWS))
        self.piperun("p.pipe", "--drain")
        servers("proxy", "postgres", "cut")
        running = self.start("p.pipe", "--workers", "2", "--state-dir", "first", log="first")
        self.put(range(ROWS, 2 * ROWS))
        wait_until(lambda: self.ids_in_topic() == list(range(2 * ROWS)), 30, "the part between topics waits")
        told = self.piperun("lag", "p.pipe", code=3)
        self.assertIn("behind 0 in all; of 1 unit it is not known, for a system is away", told)
        self.assertIn("bus.bus", told)
        self.assertIn(DATABASE, told)
        self.assertNotIn("not begun", told)
        other = self.start("p.pipe", "--state-dir", "other", log="other")
        wait_until(lambda: "partitions assigned unit=bus.bus" in other.said(), 30, other.said())
        self.put(range(2 * ROWS, 3 * ROWS))
        wait_until(lambda: self.ids_in_topic() == list(range(3 * ROWS)), 30, "the part between topics waits for the database")
        for process in (running, other):
            self.assertIn("retrying unit=bus.shop", process.said())
            self.assertNotIn("retrying unit=bus.bus", process.said())
        self.assertEqual(len(self.ids_in_table(f"{self.name}_lines")), ROWS)
        self.assertEqual(other.stop(), 3, "a part of it has not done its work")
        servers("proxy", "postgres", "pass")
        wait_until(lambda: self.ids_in_table(f"{self.name}_lines") == list(range(3 * ROWS)), 60, running.said())
        self.assertEqual(running.stop(), 0, running.said())
        self.assertEqual(self.ids_in_topic(), list(range(3 * ROWS)))

    def test_a_look_up_that_is_away_costs_nothing(self):
        """Who looks up has written nothing yet, so that it is tried again under at_most_once, too."""
        self.write(LOOKED_UP)
        self.topic("out")
        servers("sql", f"create table public.{self.name}_kinds (id int8 primary key, kind text not null)")
        servers("sql", f"insert into public.{self.name}_kinds select n, 'kind ' || n from generate_series(0, {4 * ROWS - 1}) n")
        running = self.start("p.pipe")
        self.put(range(ROWS))
        wait_until(lambda: self.ids_in_topic() == list(range(ROWS)), 30, "it has not begun")
        servers("proxy", "postgres", "cut")
        for wave in (1, 2, 3):
            self.put(range(wave * ROWS, (wave + 1) * ROWS))
        wait_until(lambda: "retrying" in running.said(), 30, "it does not say that it waits")
        time.sleep(1)
        servers("proxy", "postgres", "pass")
        wait_until(lambda: self.ids_in_topic() == list(range(4 * ROWS)), 60, "not all came")
        self.assertEqual(running.stop(), 0, running.said())
        self.assertEqual(self.read(), 4 * ROWS)


if __name__ == "__main__":
    unittest.main()
