#!/usr/bin/env python3
"""The history once, and what is new: `--as NAME --from T --until T`, and a live run that starts at the same time, or `--after NAME`, while
records come."""
import contextlib
import datetime
import subprocess
import threading
import time
import unittest

from commands import PIPERUN, SINKS, SLOW, Commands, order, rows_of, suite
from processes import wait_until

EVERY = 0.01  # seconds between two orders


def now(later=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=later)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Feeder:
    """Puts one order after the other into the topic, in the two partitions by turns, until it is stopped."""
    def __init__(self, test):
        self.count, self.is_over = 0, threading.Event()
        self.puts = [subprocess.Popen([PIPERUN, "topic", "put", "orders", "p.pipe", "--partition", str(i)], cwd=test.folder, env=test.environment,
                                      stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for i in range(2)]
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()

    def feed(self):
        while not self.is_over.wait(EVERY):
            put = self.puts[self.count % 2]
            put.stdin.write(order(1000 + self.count) + "\n")
            put.stdin.flush()
            self.count += 1

    def stop(self):
        """How many orders it has put."""
        self.is_over.set()
        self.thread.join()
        for put in self.puts:
            put.stdin.close()
        assert all(put.wait(SLOW) == 0 for put in self.puts)
        return self.count


class Runs(Commands):
    """What has run as the file itself, and as `--as`."""
    def setUp(self):
        super().setUp()  # two good orders, one too little and one that is no JSON
        self.edit("  dedup id within 1h\n", "")  # keys are of one run
        self.past = f"{self.name}_past"

    def ends(self, *words):
        """Next offset by partition."""
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json", *words).stdout)
        return {each["partition"]: each["next_offset"] for each in shown if each["topic"] == f"{self.name}.in"}

    def read(self, *words):
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json", *words).stdout)
        return sum(each["read"] for each in shown if not each["topic"].startswith("#"))


class DualMode(Runs):
    def test_history_and_live_meet_without_a_gap_and_without_an_overlap(self):
        feeder = Feeder(self)
        self.addCleanup(feeder.is_over.set)
        wait_until(lambda: feeder.count > 100, SLOW, "nothing is put")
        seam = now()
        behind = feeder.count + 100
        wait_until(lambda: feeder.count > behind, SLOW, "nothing is put")  # in each partition something lies behind that time
        self.edit("partitioned_by = id }", f"partitioned_by = id, start = {seam} }}")
        live = self.start()
        ledger = rows_of(self.piperun("p.pipe", "--as", self.past, "--from", "earliest", "--until", seam, "--json").stdout)
        put = feeder.stop()
        wait_until(lambda: self.read() > 0 and self.lag() == 0, SLOW, "the live run does not come to the end")
        live.terminate()
        self.assertEqual(live.wait(SLOW), 0)
        history = sum(each["read"] for each in ledger)
        self.assertGreater(history, 20)
        self.assertEqual(history, self.read("--as", self.past))
        self.assertEqual(history + self.read(), put + 4, "each record was read by one of both")
        self.assertEqual(self.stored_ids(limit=100_000), sorted(["o1", "o3", *(f"o{1000 + i}" for i in range(put))]))
        for words in ([], ["--as", self.past]):
            said = self.piperun("audit", "p.pipe", *words)
            self.assertNotIn("FAIL", said.stdout)
        self.assertEqual(len(self.letters("--as", self.past)), 2, "dead letters are of the run that read them")
        self.assertEqual(self.letters(), [])

    def test_until_a_time_to_come_it_ends_by_itself(self):
        begun = time.monotonic()
        self.piperun("p.pipe", "--as", self.past, "--from", "earliest", "--until", now(later=5))
        self.assertGreater(time.monotonic() - begun, 4)
        self.assertEqual(self.ends("--as", self.past), {0: 2, 1: 2})

    def test_other_bounds_under_the_same_name_are_refused(self):
        bounds = ["--from", "earliest", "--until", now()]
        self.piperun("p.pipe", "--as", self.past, *bounds)
        self.piperun("p.pipe", "--as", self.past, *bounds)
        refused = self.piperun("p.pipe", "--as", self.past, "--from", "2026-01-01T00:00:00Z", code=3)
        self.assertIn(f"{self.past} was made with --from earliest --until", refused.stderr)
        self.piperun("offsets", "delete", "p.pipe", "--as", self.past, "--letters")
        self.assertEqual(self.ends("--as", self.past), {})
        self.piperun("p.pipe", "--as", self.past, "--from", "2026-01-01T00:00:00Z", "--until", now())
        self.assertEqual(self.ends("--as", self.past), {0: 2, 1: 2})

    def test_two_pipelines_may_give_one_name_to_their_runs(self):
        bounds = ["--as", self.past, "--from", "earliest", "--until", now()]
        self.piperun("p.pipe", *bounds)
        other = self.folder / "other.pipe"
        other.write_text((self.folder / "p.pipe").read_text().replace(f"pipeline {self.name} ", f"pipeline {self.name}_other "))
        ledger = rows_of(self.piperun("other.pipe", *bounds, "--json").stdout)
        self.assertEqual(sum(each["read"] for each in ledger), 4)
        shown = rows_of(self.piperun("offsets", "show", "other.pipe", "--as", self.past, "--json").stdout)
        self.assertEqual({each["pipeline"] for each in shown}, {f"{self.name}_other.{self.past}"})
        self.piperun("offsets", "delete", "other.pipe", "--as", self.past, "--letters")
        self.assertEqual(self.ends("--as", self.past), {0: 2, 1: 2})

    def test_what_a_historical_run_could_not_process_is_replayed_in_it(self):
        bounds = ["--as", self.past, "--from", "earliest", "--until", now()]
        self.piperun("p.pipe", *bounds)
        self.assertEqual(len(self.letters("--as", self.past)), 2)
        self.piperun("dlq", "replay", "p.pipe", "--as", self.past, "--where", 'contains(reason, "too little")')
        self.piperun("p.pipe", *bounds, "--param", "least=-100")
        self.assertEqual(len(self.letters("--as", self.past)), 1)
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3"])
        self.assertEqual(self.ends(), {}, "the file's own run has not begun")


class Following(Runs):
    """A live run that begins where a historical one ended."""
    def history(self, seam, code=0):
        return self.piperun("p.pipe", "--as", self.past, "--from", "earliest", "--until", seam, "--json", code=code)

    def follow(self, *words):
        child = subprocess.Popen([PIPERUN, "p.pipe", "--after", self.past, *words], cwd=self.folder, env=self.environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stderr.close)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child

    def refuse(self, code):
        return self.piperun("p.pipe", "--after", self.past, "--drain", code=code).stderr

    @contextlib.contextmanager
    def no_manifests(self):
        """Nobody can store one meanwhile: a first start hangs between its claim and its positions. Gives how many do."""
        psql = ["psql", "-qAtX", self.environment["POSTGRES_URL"]]
        holder = subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holder.stdin.write("begin; lock table piperun.manifests in share mode; select 'locked';\n")
        holder.stdin.flush()
        holder.stdout.readline()
        waiting = "select pid from pg_locks where relation = 'piperun.manifests'::regclass and not granted"
        yield lambda: len(subprocess.run([*psql, "-c", waiting], capture_output=True, text=True, check=True).stdout.split())
        subprocess.run([*psql, "-c", f"select pg_terminate_backend(pid) from ({waiting}) waiting"], capture_output=True, check=True)
        holder.kill()
        holder.communicate()

    def kill_while_it_starts(self):
        """Some at work on its first start, none behind it."""
        if self.sink == "postgres":
            for _ in range(2):
                with self.no_manifests() as waiting:
                    live = self.follow()
                    wait_until(lambda: waiting() == 1, SLOW, "nobody wants to store a manifest")
                    live.kill()
                    live.wait()
            return 2
        kills = 0
        while not self.ends():
            live = self.follow()
            with contextlib.suppress(subprocess.TimeoutExpired):
                live.wait(0.2 + 0.15 * kills)
                self.fail(f"it ended by itself: {live.stderr.read()}")
            live.kill()
            live.wait()
            kills += 1
        return kills

    def test_it_begins_in_each_partition_at_the_end_of_the_history_whenever_it_is_killed(self):
        feeder = Feeder(self)
        self.addCleanup(feeder.is_over.set)
        wait_until(lambda: feeder.count > 100, SLOW, "nothing is put")
        seam = now()
        history = sum(each["read"] for each in rows_of(self.history(seam).stdout))
        ends = self.ends("--as", self.past)
        self.assertGreater(self.kill_while_it_starts(), 1)
        live = self.follow()
        behind = feeder.count + 100
        wait_until(lambda: feeder.count > behind, SLOW, "nothing is put")
        put = feeder.stop()
        wait_until(lambda: self.read() > 0 and self.lag() == 0, SLOW, "the live run does not come to the end")
        live.terminate()
        self.assertEqual(live.wait(SLOW), 0)
        self.assertGreater(history, 20)
        self.assertEqual(history, self.read("--as", self.past))
        self.assertEqual(history + self.read(), put + 4, "each record was read by one of both")
        self.assertEqual(self.stored_ids(limit=100_000), sorted(["o1", "o3", *(f"o{1000 + i}" for i in range(put))]))
        self.assertEqual(self.letters(), [])
        self.assertEqual(ends, self.ends("--as", self.past))
        for words in ([], ["--as", self.past]):
            self.assertNotIn("FAIL", self.piperun("audit", "p.pipe", *words).stdout)

    def test_the_same_command_goes_on_from_its_own_positions(self):
        self.history(now())
        self.put(0, order(4))
        self.put(1, order(5))
        first = self.piperun("p.pipe", "--after", self.past, "--drain")
        self.assertIn(f"note: {self.unit} begins where {self.past} ended: {self.name}.in/0 at 2, {self.name}.in/1 at 2", first.stderr)
        self.put(0, order(6))
        self.piperun("offsets", "delete", "p.pipe", "--as", self.past, "--letters")
        again = self.piperun("p.pipe", "--after", self.past, "--drain")
        self.assertIn("is for the first start", again.stderr)
        self.assertEqual(self.ends(), {0: 4, 1: 3})
        self.assertEqual((self.read(), self.stored_ids()), (3, ["o1", "o3", "o4", "o5", "o6"]))

    def test_who_waits_for_the_last_process_of_the_history_can_be_stopped(self):
        self.history(now())
        live = self.follow()
        first = live.stderr.readline()
        while first and "waiting for" not in first:
            first = live.stderr.readline()
        self.assertTrue(first, "it has not waited")
        begun = time.monotonic()
        live.terminate()
        self.assertEqual(live.wait(SLOW), 3, "it has not done its work")
        self.assertLess(time.monotonic() - begun, 4.5, "the deadline of a stop is 5 s")
        self.assertIn("stopped while it waited for", live.stderr.read())
        self.assertEqual(self.ends(), {}, "nothing has begun")

    def test_a_history_that_is_not_at_its_end_has_none(self):
        self.assertIn(f"nothing has run as {self.name}.{self.past}", self.refuse(3))
        history = subprocess.Popen([PIPERUN, "p.pipe", "--as", self.past, "--until", "2999-01-01T00:00:00Z"], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (history.kill(), history.wait()))
        wait_until(lambda: self.read("--as", self.past) == 4, SLOW, "the history is not read")
        self.assertIn("is at work, and has not come to its end", self.refuse(75))
        history.kill()
        history.wait()
        wait_until(lambda: "at work" not in (self.follow("--drain").communicate(timeout=SLOW)[1]), SLOW, "its member stays for ever")
        self.assertIn("has not come to its end, --until 2999", self.refuse(3))
        self.assertEqual(self.ends(), {})
        self.piperun("p.pipe", "--as", self.past, "--until", now(), "--upgrade", "keep")
        self.put(0, order(4))
        self.piperun("p.pipe", "--after", self.past, "--drain")
        self.assertEqual(self.read(), 1)

    def test_what_has_no_seam_is_refused(self):
        self.history(now())
        self.edit("  set amount", "  dedup id within 1h\n  set amount")
        self.assertIn("remembers keys (booked.dedup)", self.refuse(2))
        self.edit("  dedup id within 1h\n", "")
        self.edit(f'topic = "{self.name}.in"', f'topic = "{self.name}.out"')
        self.assertIn(f"has read `{self.name}.in`", self.refuse(3))
        self.edit(f'topic = "{self.name}.out", part', f'topic = "{self.name}.in", group = "others", part')
        self.assertIn("takes over the positions of the group `others`", self.refuse(2))
        self.assertEqual(self.ends(), {})


def load_tests(loader, _, __):
    return suite(loader, (DualMode, SINKS), (Following, SINKS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
