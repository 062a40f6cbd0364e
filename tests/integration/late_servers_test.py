#!/usr/bin/env python3
"""A pipeline that is started before its servers: it waits, says for whom, goes on by itself when they come, and can be stopped meanwhile."""
import signal
import time
import unittest

from commands import servers
from processes import wait_until
from running import Pipelines

STOPPED = 19  # seconds; a question to a server that says nothing is given up at the deadline of a stop
ROWS = 100

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 50ms
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = shop {{ table = "{name}_lines", create = true }}
flow booked {{
  from orders
  to lines
}}
"""
BROKER = "no broker of the cluster answers at "
DATABASE = "cannot be reached: connection to server at "


class LateServers(Pipelines):
    def setUp(self):
        super().setUp()
        self.addCleanup(servers, "proxy", "all", "pass")
        self.write(FILE)
        self.topic("in")
        self.put(range(ROWS))

    def without(self, server, fault, *words):
        """Two runs: one is stopped while it waits, the other goes on when `server` is there."""
        servers("proxy", server, fault)
        stopped = self.start("p.pipe", "--state-dir", "stopped", log="stopped")
        waiting = self.start("p.pipe", log="waiting")
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


if __name__ == "__main__":
    unittest.main()
