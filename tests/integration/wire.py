"""Three requests of the Kafka protocol, enough to wait for brokers and to make topics without starting a JVM."""
import socket
import struct
import time

METADATA, CREATE_TOPICS, DELETE_TOPICS = 3, 19, 20
NOT_YET = {-1, 5, 6, 7, 14, 15, 16, 41}  # unknown, no leader, timed out, coordinator or controller on the move


class BrokerError(Exception):
    """The broker's error code (`code`), or no answer."""

    def __init__(self, text, code=0):
        super().__init__(text)
        self.code = code


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        (value,) = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self):
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def array(self, element):
        return [element() for _ in range(max(0, self.number("i")))]


def ask(port, key, version, body, timeout=10):
    """One request on a connection of its own; returns a Reader of the answer."""
    request = struct.pack(">hhi", key, version, 1) + text("piperun-servers") + body
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(struct.pack(">i", len(request)) + request)
            stream = connection.makefile("rb")
            size = struct.unpack(">i", stream.read(4))[0]
            data = stream.read(size)
    except (OSError, struct.error) as error:
        raise BrokerError(f"no answer from 127.0.0.1:{port}: {error}") from error
    if len(data) < size:
        raise BrokerError(f"half an answer from 127.0.0.1:{port}")
    return Reader(data[4:])


def describe(port):
    """(ids of the living brokers, {topic: {partition: (leader or -1, replicas, those in sync)}})."""
    answer = ask(port, METADATA, 1, struct.pack(">i", -1))

    def broker():
        node = answer.number("i")
        answer.string()
        answer.number("i")
        answer.string()
        return node

    def partition():
        answer.number("h")
        index, leader = answer.number("i"), answer.number("i")
        return index, (leader, answer.array(lambda: answer.number("i")), answer.array(lambda: answer.number("i")))

    def topic():
        answer.number("h")
        name = answer.string()
        answer.number("b")
        return name, dict(answer.array(partition))

    brokers = set(answer.array(broker))
    answer.number("i")
    return brokers, dict(answer.array(topic))


def metadata(port):
    """(ids of the living brokers, {topic: {partition: leader or -1}})."""
    brokers, topics = describe(port)
    return brokers, {name: {index: leader for index, (leader, _, _) in parts.items()} for name, parts in topics.items()}


def create_topic(ports, name, partitions, settings=None, seconds=20):
    """Returns when every broker of ports knows a leader for each partition."""
    replicas = min(3, len(ports))
    configs = b"".join(text(key) + text(value) for key, value in (settings or {}).items())
    body = (struct.pack(">i", 1) + text(name) + struct.pack(">ihi", partitions, replicas, 0)
            + struct.pack(">i", len(settings or {})) + configs + struct.pack(">i?", 10000, False))
    deadline = time.monotonic() + seconds
    while True:
        answer = ask(ports[0], CREATE_TOPICS, 2, body)
        answer.number("i")  # throttle time
        (code, message), = answer.array(lambda: (answer.string(), answer.number("h"), answer.string())[1:])
        if code == 0:
            break
        if code not in NOT_YET or time.monotonic() > deadline:
            raise BrokerError(f"topic {name}: error {code}: {message}", code)
        time.sleep(0.2)
    while not all(len(led := metadata(p)[1].get(name, {})) == partitions and min(led.values()) >= 0 for p in ports):
        if time.monotonic() > deadline:
            raise BrokerError(f"topic {name} has no leaders after {seconds} s")
        time.sleep(0.05)


def delete_topic(ports, name):
    answer = ask(ports[0], DELETE_TOPICS, 1, struct.pack(">i", 1) + text(name) + struct.pack(">i", 10000))
    answer.number("i")
    (code,) = answer.array(lambda: (answer.string(), answer.number("h"))[1])
    if code:
        raise BrokerError(f"topic {name}: error {code}", code)
