#!/usr/bin/env python3
"""Whole pipelines behind TLS and passwords: a group that reads, a transaction that writes, a database; and what is wrong has its words."""
import os
import shutil
import subprocess
import unittest

from running import Pipelines

ROWS = 200

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 50ms
}}
connection bus = kafka {{
  brokers    = env("BROKERS")
  security   = {{ {security} }}
  properties = {{ "compression.type" = "lz4" }}
}}
connection shop = postgres {{ url = secret("SHOP_URL") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = bus {{ topic = "{name}.out", key = id }}
sink rows  = shop {{ table = "{name}_rows", create = true }}
flow booked {{
  from orders
  to lines
  to rows
}}
"""
TLS = '"protocol" = "ssl", "ca" = "ca.pem", "certificate" = env("TLS_CERTIFICATE"), "key" = env("TLS_KEY")'
LOGIN = '"mechanism" = "{mechanism}", "username" = env("KAFKA_USER"), "password" = secret("KAFKA_PASSWORD"), "ca" = "ca.pem"'


class Secure(Pipelines):
    def setUp(self):
        super().setUp()
        self.topic("in")
        self.topic("out")
        shutil.copy(os.environ["TLS_CA"], self.folder / "ca.pem")
        self.environment["SHOP_URL"] = self.url()

    def url(self, password="secret", ca="TLS_CA"):
        address = os.environ["POSTGRES_DIRECT"].replace(":secret@", f":{password}@")
        return f"{address}?sslmode=verify-full&sslrootcert={os.environ.get(ca, ca)}"

    def stranger(self):
        """A certificate that signed none of the servers'."""
        path = self.folder / "stranger.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stranger", "-keyout", os.devnull,
                        "-out", path, "-days", "2"], check=True, capture_output=True)
        return path

    def listener(self, name, security):
        self.environment["BROKERS"] = os.environ[name]
        self.write(FILE, security=security)

    def goes(self):
        self.piperun("p.pipe", "--drain")
        self.assertEqual(self.ids_in_topic(), list(range(ROWS)))
        self.assertEqual(self.ids_in_table(f"{self.name}_rows"), list(range(ROWS)))
        self.piperun("p.pipe", "--drain")
        self.assertEqual(self.read(), 2 * ROWS, "one unit for each output")
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe"))

    def is_refused(self, *parts, **environment):
        said = self.piperun("p.pipe", "--drain", code=3, **environment)
        for part in parts:
            self.assertIn(part, said)
        self.assertNotIn("not-this", said)

    def test_tls_with_a_client_certificate(self):
        self.listener("KAFKA_TLS", TLS)
        self.put(range(ROWS))
        self.goes()

    def test_a_password_over_tls(self):
        self.listener("KAFKA_SASL", LOGIN.format(mechanism="SCRAM-SHA-256"))
        self.put(range(ROWS))
        self.goes()

    def test_a_wrong_password(self):
        self.listener("KAFKA_SASL", LOGIN.format(mechanism="SCRAM-SHA-512"))
        self.is_refused("error[P2001]", "uthentication", KAFKA_PASSWORD="not-this")
        self.is_refused("error[P2001]", "password authentication failed", SHOP_URL=self.url("not-this"))

    def test_an_authority_that_did_not_sign_it(self):
        stranger = self.stranger()
        self.listener("KAFKA_TLS", TLS)
        self.put(range(ROWS))
        self.is_refused("error[P2001]", "certificate verify failed", SHOP_URL=self.url(ca=str(stranger)))
        elsewhere = self.url().replace("127.0.0.1", "elsewhere") + "&hostaddr=127.0.0.1"
        self.is_refused("error[P2001]", 'does not match host name "elsewhere"', SHOP_URL=elsewhere)
        self.assertEqual(self.ids_in_table(f"{self.name}_rows"), [])
        self.goes()
        shutil.copy(stranger, self.folder / "ca.pem")
        self.is_refused("error[P2001]", "certificate verify failed")


if __name__ == "__main__":
    unittest.main()
