#!/usr/bin/env python3
"""What a harness relies on: killed servers come back with their data and addresses, stopped ones stall, acknowledgements get lost."""
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

import wire
from processes import wait_until

if "KAFKA_DIRECT" not in os.environ:
    sys.exit("run me through tests/integration/run")
HERE = Path(__file__).resolve().parent
DIRECT = [int(address.rsplit(":", 1)[1]) for address in os.environ["KAFKA_DIRECT"].split(",")]


def servers(*arguments):
    done = subprocess.run([HERE / "servers", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"servers {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def psql(statement, url=os.environ["POSTGRES_URL"]):
    """Through the proxy; stderr instead of stdout when it fails. One -c per statement, so that each is a request of its own."""
    words = [word for part in statement.split(";") for word in ("-c", part)]
    return subprocess.run(["psql", url, "-XAtq", *words], capture_output=True, text=True, check=False, timeout=30)


class FaultsTest(unittest.TestCase):
    def setUp(self):
        self.table = f"t{time.time_ns()}"
        psql(f"create table {self.table} (i int)")

    def rows(self):
        return int(servers("sql", f"select count(*) from {self.table}"))

    def test_a_killed_database_keeps_what_was_committed(self):
        self.assertEqual(psql(f"insert into {self.table} values (1)").returncode, 0)
        servers("kill", "postgres")
        self.assertNotEqual(psql("select 1").returncode, 0)
        servers("start", "postgres")
        self.assertEqual(self.rows(), 1)

    def test_a_stopped_database_stalls_and_goes_on(self):
        servers("stop", "postgres")
        client = subprocess.Popen(["psql", os.environ["POSTGRES_URL"], "-XAtqc", "select 1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with self.assertRaises(subprocess.TimeoutExpired):
            client.wait(1)
        servers("cont", "postgres")
        self.assertEqual(client.communicate(timeout=20)[0], "1\n")

    def test_a_killed_broker_keeps_its_topics_and_its_address(self):
        topic = f"kept-{time.time_ns()}"
        servers("topic", "create", topic, "3")
        servers("kill", "kafka-1")
        with self.assertRaises(wire.BrokerError):
            wire.metadata(DIRECT[0])
        servers("start", "kafka-1")
        wait_until(lambda: min(wire.metadata(DIRECT[0])[1].get(topic, {0: -1}).values()) >= 0, 30, "no leaders")
        self.assertEqual(len(wire.metadata(DIRECT[0])[1][topic]), 3)

    def test_a_lost_acknowledgement_of_a_commit(self):
        servers("proxy", "postgres", "lose", "commit")
        done = psql(f"begin; insert into {self.table} values (1); commit")
        self.assertNotEqual(done.returncode, 0, "the client must not learn of the commit")
        self.assertEqual(self.rows(), 1)

    def test_a_cut_connection_rolls_back(self):
        client = subprocess.Popen(["psql", os.environ["POSTGRES_URL"], "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        client.stdin.write(f"begin;\ninsert into {self.table} values (1);\nselect 'inserted';\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), "inserted\n")
        servers("proxy", "postgres", "cut")
        out, error = client.communicate("commit;\n", timeout=20)
        servers("proxy", "postgres", "pass")
        self.assertNotEqual(client.returncode, 0, out + error)
        self.assertEqual(self.rows(), 0)

    def test_what_does_not_run_or_is_unknown_is_an_error(self):
        for words in (["kill", "kafka-9"], ["cont", "nobody"], ["env", "--dir", "/nonexistent"]):
            done = subprocess.run([HERE / "servers", *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertTrue(done.stderr.startswith("servers: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
