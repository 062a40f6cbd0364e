#!/usr/bin/env python3
"""A batch that takes longer than a broker waits for a member: nobody is evicted, for the consumer is polled meanwhile."""
import os
import subprocess
import time
import unittest

from commands import servers
from processes import wait_until
from running import INTO_TABLE, Pipelines

SESSION = 6  # seconds without a sign of life after which a member is out
LONG = SESSION + 3
ROWS = 400
EVICTED = ("revoked", "lost", "assigned", "joined")
TROUBLE = ("retrying", "paused", "error")


class Eviction(Pipelines):
    def setUp(self):
        super().setUp()
        self.write(INTO_TABLE, delivery="exactly_once", records=1000)
        self.topic("in", 2)
        self.table = f"{self.name}_lines"

    def two_members(self):
        """Both at work: each has a partition, and has committed from it."""
        members = [self.start("p.pipe", "--state-dir", f"state{number}", log=f"said{number}") for number in (0, 1)]
        wait_until(lambda: all("count=1" in member.said() for member in members), 30, "\n".join(member.said() for member in members))
        for partition in (0, 1):
            self.put([partition], partition)
        wait_until(lambda: self.ids_in_table(self.table) == [0, 1], 30, "the first records did not arrive")
        return members

    def put_rest(self):
        for partition in (0, 1):
            self.put(range(2 + partition, ROWS, 2), partition)

    def assert_each_kept_its_partition(self, members, before, words):
        wait_until(lambda: self.read() == ROWS, 30, "the rest was not read")
        self.assertEqual(self.ids_in_table(self.table), list(range(ROWS)))
        for member, begin in zip(members, before):
            for word in words:
                self.assertNotIn(word, member.said()[len(begin):])

    def test_a_statement_longer_than_the_session(self):
        members = self.two_members()
        servers("sql", f"create function {self.table}_slow() returns trigger language plpgsql as "
                       f"'begin perform pg_sleep({LONG}); return null; end'; "
                       f"create trigger slow after insert on {self.table} execute function {self.table}_slow()")
        before = [member.said() for member in members]
        begun = time.monotonic()
        self.put_rest()
        wait_until(lambda: len(self.ids_in_table(self.table)) > 2, LONG + 20, "no batch was done")
        self.assertGreater(time.monotonic() - begun, SESSION + 1, "it was not long")
        servers("sql", f"drop trigger slow on {self.table}")
        self.assert_each_kept_its_partition(members, before, EVICTED + TROUBLE)

    def test_a_table_that_somebody_locks(self):
        members = self.two_members()
        holder = subprocess.Popen(["psql", os.environ["POSTGRES_DIRECT"], "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (holder.kill(), holder.communicate()))
        holder.stdin.write(f"BEGIN; LOCK TABLE {self.table} IN EXCLUSIVE MODE; SELECT 'locked';\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline().strip(), "locked")
        before = [member.said() for member in members]
        self.put_rest()
        waiting = f"select count(*) from pg_locks where relation = '{self.table}'::regclass and not granted"
        wait_until(lambda: int(servers("sql", waiting)) == 2, 20, "the members do not wait for the table")
        time.sleep(LONG)  # the time is what is tested
        self.assertEqual(self.ids_in_table(self.table), [0, 1])
        holder.stdin.write("COMMIT;\n")
        holder.stdin.flush()
        self.assert_each_kept_its_partition(members, before, EVICTED)  # it may have tried again


if __name__ == "__main__":
    unittest.main()
