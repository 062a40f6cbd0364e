#!/usr/bin/env python3
"""Each fault of the proxy, seen from a client of an echo server behind it. Needs no other server."""
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from processes import accepts, free_ports, wait_until

PROXY = Path(__file__).resolve().parent / "proxy"


class Echo:
    """Answers each byte with itself and keeps what it got."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.got = b""
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes accept, which would keep the port open
        except OSError:
            pass
        self.socket.close()

    def answer(self, connection):
        try:
            while data := connection.recv(1 << 16):
                self.got += data
                connection.sendall(data)
        except OSError:
            pass
        connection.close()


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.control, self.port = free_ports(2)
        self.process = subprocess.Popen([sys.executable, PROXY, "serve", str(self.control), f"echo={self.port}:{self.echo.port}"])
        wait_until(lambda: accepts(self.control), 20, "the proxy does not start")
        self.open = []

    def tearDown(self):
        for connection in self.open:
            connection.close()
        self.process.kill()
        self.process.wait()
        self.echo.close()

    def tell(self, command):
        done = subprocess.run([sys.executable, PROXY, "tell", str(self.control), *command.split()], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.strip()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.open.append(connection)
        return connection

    def exchange(self, connection, data):
        connection.sendall(data)
        got = b""
        while len(got) < len(data):
            more = connection.recv(1 << 16)
            self.assertTrue(more, "closed before the whole answer")
            got += more
        self.assertEqual(got, data)

    def assert_silent(self, connection):
        connection.settimeout(0.4)
        with self.assertRaises(TimeoutError):
            connection.recv(1)
        connection.settimeout(5)

    def assert_reset(self, connection):
        with self.assertRaises(ConnectionResetError):
            while connection.recv(1 << 16):
                pass

    def test_passes_everything_and_the_end(self):
        connection = self.connect()
        sent = bytes(range(256)) * 20000
        writer = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)))
        writer.start()
        got = b""
        while data := connection.recv(1 << 16):
            got += data
        writer.join()
        self.assertEqual(got, sent)
        self.assertIn(f"requested={len(sent)} replied={len(sent)}", self.tell("echo status"))

    def test_cut_resets_and_refuses_until_pass(self):
        connection = self.connect()
        self.exchange(connection, b"one")
        self.tell("echo cut")
        self.assert_reset(connection)
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.tell("echo pass")
        self.exchange(self.connect(), b"two")

    def test_hang_keeps_connections_and_swallows(self):
        old = self.connect()
        self.exchange(old, b"one")
        self.tell("echo hang")
        old.sendall(b"never seen")
        new = self.connect()
        new.sendall(b"nor this")
        self.assert_silent(old)
        self.assert_silent(new)
        self.assertEqual(self.echo.got, b"one")
        self.tell("echo pass")  # what lost bytes cannot go on
        self.assert_reset(old)
        self.assert_reset(new)
        self.exchange(self.connect(), b"two")

    def test_hang_without_traffic_loses_nothing(self):
        connection = self.connect()
        self.exchange(connection, b"one")
        self.tell("echo hang")
        self.tell("echo pass")
        self.exchange(connection, b"two")

    def test_reset_hits_only_the_connections_of_the_moment(self):
        connection = self.connect()
        self.exchange(connection, b"one")
        self.tell("echo reset")
        self.assert_reset(connection)
        self.exchange(self.connect(), b"two")

    def test_delay_is_latency_not_throughput(self):
        connection = self.connect()
        self.tell("echo delay 300")
        start = time.monotonic()
        self.exchange(connection, b"x" * 2000000)
        took = time.monotonic() - start
        self.assertGreaterEqual(took, 0.6)
        self.assertLess(took, 10)  # 30 chunks one after the other would take 18 s

    def test_replies_stop_after_n_bytes_and_requests_go_on(self):
        connection = self.connect()
        self.tell("echo replies 4")
        connection.sendall(b"123456")
        self.assertEqual(connection.recv(100), b"1234")
        connection.sendall(b"more")
        self.assert_silent(connection)
        wait_until(lambda: self.echo.got == b"123456more", 10, f"the echo has {self.echo.got}")
        self.tell("echo pass")
        self.assert_reset(connection)

    def test_lose_lets_the_request_through_and_not_its_reply(self):
        connection = self.connect()
        other = self.connect()
        self.tell("echo lose commit work")
        self.exchange(connection, b"insert")
        connection.sendall(b"COMMIT ")
        self.assertEqual(connection.recv(100), b"COMMIT ")  # the text is not whole yet
        connection.sendall(b"WORK")
        self.assert_reset(connection)
        self.assertEqual(self.echo.got, b"insertCOMMIT WORK")
        self.assertIn("lost=1", self.tell("echo status"))
        self.exchange(other, b"commit work")  # once only

    def test_lose_a_kafka_request_by_number(self):
        def frame(api, correlation):
            body = struct.pack(">hhi", api, 1, correlation) + b"rest"
            return struct.pack(">i", len(body)) + body

        # The echo answers with the request, whose bytes 4 to 8 stand where an answer has its correlation id.
        expected = struct.pack(">hh", 26, 1)
        connection = self.connect()
        self.tell("echo lose api:26")
        self.exchange(connection, frame(0, 26) + frame(24, 2))
        wanted = frame(26, struct.unpack(">i", expected)[0])
        for byte in wanted[:7]:  # with the eighth the echo has answered, and the connection is reset
            connection.sendall(bytes([byte]))
        connection.sendall(wanted[7:])
        self.assert_reset(connection)
        self.assertTrue(self.echo.got.endswith(wanted))

    def test_a_target_that_is_down_looks_down(self):
        self.echo.close()
        with self.assertRaises(ConnectionResetError):
            connection = self.connect()
            while connection.recv(1):
                pass

    def test_unknown_names_and_commands_are_errors(self):
        for words in (["nobody", "cut"], ["echo", "vanish"], ["echo", "delay", "long"], ["echo", "lose", "api:x"]):
            done = subprocess.run([sys.executable, PROXY, "tell", str(self.control), *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertTrue(done.stdout.startswith("error"), done.stdout)


if __name__ == "__main__":
    unittest.main()
