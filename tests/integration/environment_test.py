#!/usr/bin/env python3
"""`piperun check --connect`: what live brokers and databases make of a promise."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlsplit

import database
from commands import HERE, Commands, order, rows_of, servers, suite
from processes import Process, free_ports, wait_until


LOGIN = """env("KAFKA_SASL"), security = {
  "mechanism" = "SCRAM-SHA-512", "username" = env("KAFKA_USER"), "password" = secret("KAFKA_PASSWORD"), "ca" = env("TLS_CA") }"""


class Environment(Commands):
    """`check --connect`"""
    def findings(self, code=0, **environment):
        """`code`: None if it may be either."""
        return rows_of(self.piperun("check", "p.pipe", "--connect", "--json", code=code, **environment).stdout)

    def words(self, **arguments):
        return "\n".join(each["message"] for each in self.findings(**arguments))

    def sql(self, text):
        servers("sql", text)

    def topic(self, name, *settings):
        servers("topic", "create", name, "1", *settings)

    def test_one_broker_is_one_copy(self):
        said = self.piperun("check", "p.pipe", "--connect")
        self.assertIn("exactly_once holds for lines\n  as long as no broker of bus loses its disk\n", said.stdout)
        self.assertIn(f"weaker: `{self.name}.in` has one copy", said.stderr)
        self.assertRegex(said.stderr, r"--> p.pipe:\d+:\d+")
        self.assertIn("remembers keys for 1h", said.stderr, "the topic keeps its records for a week")

    def test_a_missing_topic_is_an_error_with_its_place(self):
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.in", f"{self.name}.none"))
        found = [each for each in self.findings(code=3) if each["severity"] == "error"]
        self.assertEqual([each["code"] for each in found], ["P2006"])
        self.assertEqual(found[0]["span"]["file"], "p.pipe")
        self.assertRegex(found[0]["help"], r"kafka-topics --bootstrap-server \S+:\d+ --create --topic \S+ --partitions N --replication-factor 1$")
        self.assertIn("cannot run like this: 1 error", self.piperun("check", "p.pipe", "--connect", code=3).stdout)

    def test_settings_of_a_source(self):
        self.topic(f"{self.name}.weak", "cleanup.policy=compact,delete", "unclean.leader.election.enable=true", "retention.ms=60000")
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.in", f"{self.name}.weak"))
        words = self.words()
        for part in ("is compacted", "a leader that has not seen all", "keeps records for 1m"):
            self.assertIn(part, words)

    def test_what_expires_in_our_own_topics_is_an_error(self):
        if self.sink != "kafka":
            return
        self.topic(f"{self.name}.dead-letters", "cleanup.policy=delete")
        self.assertIn("what is stored in it expires", self.words(code=3))

    def test_rights_in_the_cluster(self):
        text = (self.folder / "p.pipe").read_text()
        (self.folder / "p.pipe").write_text(text.replace('env("KAFKA_BOOTSTRAP")', LOGIN))
        self.findings()
        topic, group = ["--topic", f"{self.name}.in"], ["--group", f"{self.name}.{self.unit}"]
        self.rule("allow", "describe", *topic)  # what somebody may, all others may no longer
        self.rule("deny", "read", *group)
        denied = f"this user may not read the topic `{self.name}.in` of bus"
        wait_until(lambda: denied in self.words(code=None), 20, "the rules are not in force")
        words = self.words(code=3)
        self.assertIn(f"the settings of `{self.name}.in` cannot be read", words)
        self.assertIn(f"this user may not join the group `{self.name}.{self.unit}` of bus", words)
        self.rule("deny", "describe", *topic)
        wait_until(lambda: "the settings of" not in self.words(code=3), 20, "the rule is not in force")
        self.assertIn(denied, self.words(code=3), "also of a topic that may not even be seen")
        wrong = self.piperun("check", "p.pipe", "--connect", code=3, KAFKA_PASSWORD="wrong")
        self.assertNotIn("wrong", wrong.stdout + wrong.stderr)

    def test_rights_on_transactional_ids(self):
        if self.sink != "kafka":
            return
        ids = ["--transactional-id", f"{self.name}.", "--resource-pattern-type", "prefixed"]
        text = (self.folder / "p.pipe").read_text()
        (self.folder / "p.pipe").write_text(text.replace('env("KAFKA_BOOTSTRAP")', LOGIN))
        self.findings()
        self.rule("deny", "write", *ids)
        denied = f"this user may not begin transactions in bus under ids that begin with `{self.name}.bus.bus.`"
        wait_until(lambda: denied in self.words(code=None), 20, "the rule is not in force")
        self.assertIn("--transactional-id", json.dumps(self.findings(code=3)))

    def test_a_topic_that_takes_no_records(self):
        if self.sink != "kafka":
            return
        self.topic(f"{self.name}.slow", "min.insync.replicas=2")
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f"{self.name}.out", f"{self.name}.slow"))
        self.assertIn("takes no records now: 1 of its 1 copies are in sync, and min.insync.replicas is 2", self.words(code=3))

    def test_a_topic_as_table(self):
        text = (self.folder / "p.pipe").read_text().replace("sink lines", f"""type Name {{ id: string, name: string }}
table names: Name = bus {{ topic = "{self.name}.names", key = id }}
sink lines""").replace("  dedup id within 1h\n", "  enrich known = names[id] ?? fail(\"nobody\")\n")
        (self.folder / "p.pipe").write_text(text)
        self.assertIn(f"bus has no topic `{self.name}.names`", self.words(code=3))
        self.topic(f"{self.name}.names", "cleanup.policy=delete")
        self.assertIn(f"`{self.name}.names` is a table whose rows go 7d after they were written", self.words())
        servers("tool", "kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", f"{self.name}.names", "--add-config", "cleanup.policy=compact")
        wait_until(lambda: "is a table whose rows go" not in self.words(), 20, "the policy is not in force")
        (self.folder / "p.pipe").write_text(text.replace('env("KAFKA_BOOTSTRAP")', LOGIN))
        self.rule("deny", "read", "--topic", f"{self.name}.names")
        wait_until(lambda: f"this user may not read the topic `{self.name}.names` of bus" in self.words(code=None), 20, "the rule is not in force")

    def test_settings_of_brokers_that_cannot_carry_it(self):
        if self.sink != "kafka":
            return
        self.own_broker("transaction.max.timeout.ms=5000", "offset.metadata.max.bytes=1000", "transaction.partition.verification.enable=false")
        for name in ("in", "out"):
            self.at_own_broker("topic", "create", f"{self.name}.{name}", "1")
        words = self.words(code=3)
        for part in ("allows transactions of 5s at most, and 10s are asked for", "takes 1000 bytes of metadata beside an offset, and the ledger may need 4096",
                     "does not check that a write belongs to an open transaction"):
            self.assertIn(part, words)

    def test_a_broker_that_makes_topics_by_itself(self):
        """Its default. A name that is mistyped must not come into being, and a changelog that it has made is none."""
        if self.sink != "kafka":
            return
        self.own_broker("auto.create.topics.enable=true")
        self.assertIn(f"bus has no topic `{self.name}.in`", self.words(code=3))
        self.assertIn("P2006", self.piperun("p.pipe", "--drain", code=3).stderr)
        for words in (["topic", "peek", "orders"], ["topic", "put", "orders"], ["lag"], ["offsets", "show"], ["audit"]):
            self.piperun(*words, "p.pipe", code=None)
        self.at_own_broker("topic", "create", f"{self.name}.in", "1")
        self.assertIn("P2006", self.piperun("p.pipe", "--drain", code=3).stderr)
        listed = self.at_own_broker("tool", "kafka-topics", "--list").split()
        self.assertEqual([name for name in listed if name.startswith(self.name)], [f"{self.name}.in"])
        self.at_own_broker("topic", "create", f"{self.name}.out", "1")
        self.put(0, order(1), order(2))
        self.drain()
        changelog = f"{self.name}.bus.bus.booked.dedup.keys"
        self.at_own_broker("tool", "kafka-topics", "--delete", "--topic", changelog)
        self.at_own_broker("tool", "kafka-topics", "--create", "--topic", changelog)  # as the broker would do it
        self.put(0, order(1), order(3))
        refused = self.piperun("p.pipe", "--drain", code=3).stderr
        self.assertIn("P2012", refused)
        self.assertIn(f"{changelog} was made anew by others, its cleanup.policy is `delete`", refused)
        wait_until(lambda: self.clear() == 0, 30, "its session does not end")
        self.drain()
        self.assertEqual(self.stored_ids(), ["o1", "o1", "o2", "o3"], "without keys a repeat gets through, as was accepted")

    def clear(self):
        words = ["offsets", "reset", "p.pipe", "--unit", self.unit, "--to", "shift 0", "--state", "clear"]
        return self.piperun(*words, code=None).returncode

    def own_broker(self, *settings):
        """From now on the pipeline works with it."""
        self.servers_of = {"PIPERUN_SERVERS": str(self.folder / "brokers")}
        command = [HERE / "servers", "up", "--dir", self.folder / "brokers", "--no-postgres"]
        self.addCleanup(subprocess.run, [HERE / "servers", "down", "--dir", self.folder / "brokers"], check=False)
        subprocess.run([*command, *(word for setting in settings for word in ("--broker-setting", setting))], check=True, capture_output=True)
        self.environment["KAFKA_BOOTSTRAP"] = re.search(r"KAFKA_BOOTSTRAP=(\S+)", self.at_own_broker("env"))[1].strip("'")

    def at_own_broker(self, *words):
        return subprocess.run([HERE / "servers", *words], env=os.environ | self.servers_of, capture_output=True, text=True, check=True).stdout

    def rule(self, way, operation, *what):
        servers("tool", "kafka-acls", "--add", f"--{way}-principal", f"User:{os.environ['KAFKA_USER']}", "--operation", operation, *what)

    def test_nobody_answers(self):
        words = self.words(code=3, KAFKA_BOOTSTRAP="127.0.0.1:1")
        self.assertIn("no broker of the cluster answers at 127.0.0.1:1 (connection bus): nothing listens there; start a broker", words)
        self.assertIn("(librdkafka: Connect to ", words)

    def test_local_has_no_servers(self):
        self.piperun("check", "p.pipe", "--connect", "--local", code=2)


class Database(Environment):
    def test_a_wrong_password_is_told_where_the_database_is_used(self):
        text = (self.folder / "p.pipe").read_text()
        text = text.replace("sink lines", f'sink events = bus {{ topic = "{self.name}.out" }}\nsink lines').replace("  to lines", "  to lines\n  to events after lines")
        (self.folder / "p.pipe").write_text(text)
        line = 1 + next(number for number, words in enumerate(text.splitlines()) if words.startswith("sink lines"))
        said = self.piperun("check", "p.pipe", "--connect", code=3, POSTGRES_URL=os.environ["POSTGRES_URL"].replace(":secret@", ":wrong@"))
        words = next(part for part in (said.stdout + said.stderr).split("\n\n") if "password authentication failed" in part)
        self.assertIn(f"--> p.pipe:{line}:", words)
        self.assertNotIn("shop: shop", words)

    def test_a_wrong_password(self):
        self.assertIn("password authentication failed", self.words(code=3, POSTGRES_URL=os.environ["POSTGRES_URL"].replace(":secret@", ":wrong@")))

    def test_what_the_server_calls_durable_and_read_only(self):
        url = os.environ["POSTGRES_URL"]
        self.assertIn("synchronous_commit=off", self.words(POSTGRES_URL=url + "?options=-c%20synchronous_commit%3Doff"))
        self.assertIn("shop is read-only (default_transaction_read_only)", self.words(code=3, POSTGRES_URL=url + "?options=-c%20default_transaction_read_only%3Don"))

    def test_a_standby(self):
        direct = urlsplit(os.environ["POSTGRES_DIRECT"])
        home = Path(tempfile.mkdtemp(prefix="piperun-standby-"))
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        home.chmod(0o755)
        [port] = free_ports(1)
        standby = database.Database(home.parent, {"port": port, "tls": False, "proxy_port": None})
        data = home / "data"
        data.mkdir(mode=0o700)
        standby.own(data)
        subprocess.run([database.programs() / "pg_basebackup", "-D", data, "-R", "-c", "fast", "-X", "stream", "-h", direct.hostname, "-p", str(direct.port), "-U", direct.username],
                       env=os.environ | {"PGPASSWORD": direct.password}, cwd="/", check=True, capture_output=True, **standby.account())
        process = Process(home / "pid", home / "log")
        self.addCleanup(process.kill)
        process.start([database.programs() / "postgres", "-D", data, "-p", str(port)], cwd="/", **standby.account())
        process.await_answer(standby.answers, 60, "the standby")
        self.assertIn("shop is a standby: it takes no writes", self.words(code=3, POSTGRES_URL=os.environ["POSTGRES_DIRECT"].replace(f":{direct.port}/", f":{port}/")))

    def test_a_table_without_an_index_on_the_key(self):
        self.sql(f"create table public.{self.name}_lines (id text not null, amount numeric(12, 2) not null, weight float8)")
        self.assertIn(f'CREATE UNIQUE INDEX ON "{self.name}_lines" ("id")', self.words(code=3))
        self.sql(f"create unique index on public.{self.name}_lines (id)")
        self.assertNotIn("INDEX", self.words())
        self.sql(f"alter table public.{self.name}_lines drop column amount")
        self.assertIn("amount", self.words(code=3))

    def test_an_outbox(self):
        text = (self.folder / "p.pipe").read_text()
        table = f"{self.name}_outbox"
        text = text.replace("sink lines", f'source events: Order = shop {{ outbox = "{table}" }}\nsink sent = bus {{ topic = "{self.name}.in" }}\nsink lines')
        (self.folder / "p.pipe").write_text(text + "flow relayed {\n  from events\n  to sent\n}\n")
        self.assertIn(table, self.words(code=3), "it is missing")
        self.sql(f"create table public.{table} (id bigint generated always as identity primary key, amount numeric)")
        self.assertIn("`number` is missing", self.words(code=3))
        self.sql(f"alter table public.{table} add column number bigint unique")
        self.assertNotIn("outbox", self.words())
        self.drain()
        self.sql(f"create role {self.name} login password 'secret'")
        self.addCleanup(self.sql, f"drop owned by {self.name}; drop role {self.name}")
        user = os.environ["POSTGRES_URL"].replace("//piperun:", f"//{self.name}:")
        self.sql(f"grant usage on schema piperun to {self.name}; grant all on all tables in schema piperun to {self.name}; "
                 f"grant all on public.{self.name}_lines to {self.name}; grant select on public.{table} to {self.name}")
        words = self.words(code=3, POSTGRES_URL=user)
        self.assertIn("and may not: UPDATE, DELETE", words)
        self.sql(f"grant update, delete on public.{table} to {self.name}")
        self.findings(POSTGRES_URL=user)

    def test_what_would_break_an_outbox(self):
        table = f"public.{self.name}_outbox"
        (self.folder / "p.pipe").write_text((self.folder / "p.pipe").read_text().replace(f'bus {{ topic = "{self.name}.in", partitioned_by = id }}',
                                                                                         f'shop {{ outbox = "{table}" }}').replace("  dedup id within 1h\n", ""))
        good = "id bigint generated always as identity primary key"
        for number, why in (("bigint generated always as identity", "the table gives it itself; ALTER TABLE"), ("bigserial", "it has a default; "),
                            ("bigint generated by default as identity", "DROP IDENTITY, ALTER COLUMN number DROP NOT NULL"),
                            ("bigint not null", "it is NOT NULL; "), ("bigint generated always as (id + 1) stored", "it is computed; ")):
            self.sql(f"drop table if exists {table}; create table {table} ({good if 'stored' not in number else 'id bigint primary key'}, number {number}, amount numeric)")
            self.assertIn("`number` is never null: " + why if "DROP" not in why else why, self.words(code=3), number)
        for columns, words, code in ((f"{good}, number bigint unique nulls not distinct", "only one row can wait", 3),
                                     (f"{good}, number bigint constraint positive check (number > 0)", "a condition for `number`: positive", 0),
                                     ("id bigint, number bigint unique", "`id` may be null, or the same in two rows", 0)):
            self.sql(f"drop table if exists {table}; create table {table} ({columns})")
            self.assertIn(words, self.words(code=code))
        self.sql(f"drop table {table}; create table {table} ({good}, number bigint unique check (id > 0))")
        self.assertNotIn("outbox", self.words())
        self.sql(f"create table {table}_notes (event bigint constraint of_event references {table})")
        self.assertIn(f"others refer to them: of_event of {table.removeprefix('public.')}_notes", self.words())
        self.sql(f"drop table {table}_notes; create trigger kept before delete on {table} for each row execute function suppress_redundant_updates_trigger()")
        self.assertIn("triggers see that: kept", self.words())

    def test_triggers_and_late_constraints(self):
        self.sql(f"create table public.{self.name}_lines (id text primary key, amount numeric(12, 2) not null, weight float8, unique (weight) deferrable initially deferred)")
        self.sql(f"create trigger t before insert on public.{self.name}_lines for each row execute function suppress_redundant_updates_trigger()")
        self.sql(f"create rule r as on delete to public.{self.name}_lines do instead nothing")
        words = self.words()
        self.assertIn("has triggers or rules (t, the rule r)", words)
        self.assertIn("at COMMIT", words)

    def test_a_row_that_refers_to_one_of_another_sink(self):
        text = (self.folder / "p.pipe").read_text()
        text = text.replace("sink lines", f'sink parents = shop {{ table = "{self.name}_parents", key = id }}\nsink lines').replace("  to lines", "  to parents\n  to lines")
        (self.folder / "p.pipe").write_text(text)
        self.sql(f"create table public.{self.name}_parents (id text primary key, amount numeric(12, 2) not null, weight float8)")
        self.sql(f"create table public.{self.name}_lines (id text primary key references public.{self.name}_parents, amount numeric(12, 2) not null, weight float8)")
        self.assertIn("refers to a table that this program writes, too", self.words())

    def test_rights(self):
        self.drain()
        self.sql(f"create role {self.name} login password 'secret'")
        self.addCleanup(self.sql, f"drop owned by {self.name}; drop role {self.name}")
        user = os.environ["POSTGRES_URL"].replace("//piperun:", f"//{self.name}:")
        words = self.words(code=3, POSTGRES_URL=user)
        self.assertIn("may not use what piperun keeps in shop", words)
        self.assertIn(f"{self.name}_lines", words)
        self.sql(f"grant usage on schema piperun to {self.name}; grant all on all tables in schema piperun to {self.name}; grant all on public.{self.name}_lines to {self.name}")
        self.findings(POSTGRES_URL=user)


def load_tests(loader, _, __):
    return suite(loader, (Environment, ["kafka"]), (Database, ["postgres"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
