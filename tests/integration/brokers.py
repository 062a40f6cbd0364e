"""Apache Kafka: its jars, and a cluster of one or three brokers in KRaft mode, each one JVM that is also a controller."""
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import wire
from processes import Failure, Process

HERE = Path(__file__).resolve().parent
USER, PASSWORD = "piperun", "secret"
# CLIENT is what programs under test use; it advertises the proxy where there is one. INTERNAL is direct, for brokers and checkers.
LISTENERS = {"CLIENT": "PLAINTEXT", "INTERNAL": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "TLS": "SSL", "SASL": "SASL_SSL"}
OTHER_LOGGING = "slf4j-reload4j,log4j-slf4j-impl"  # slf4j-simple alone is left; it needs no settings file
TOOLS = {
    "kafka-acls": "kafka.admin.AclCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-transactions": "org.apache.kafka.tools.TransactionsCommand",
}


def cache():
    base = os.environ.get("PIPERUN_CACHE")
    return Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "piperun"


def jars(version):
    return cache() / f"kafka-{version}"


def fetch(version):
    """Copies the jars of a broker into the cache, once."""
    if jars(version).exists():
        return
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "kafka.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars(version).exists():
            return
        print(f"fetching Kafka {version} into {jars(version)} (about 50 MB, once)", flush=True)
        with tempfile.TemporaryDirectory(dir=cache()) as work:
            done = subprocess.run(["mvn", "-q", "-B", "-f", HERE / "pom.xml", f"-Dkafka.version={version}", "dependency:copy-dependencies",
                                   "-DincludeScope=runtime", f"-DexcludeArtifactIds={OTHER_LOGGING}", f"-DoutputDirectory={work}/jars"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                raise Failure(f"Maven cannot fetch Kafka {version}:\n{done.stdout[-2000:]}")
            os.rename(f"{work}/jars", jars(version))


def missing(version):
    """Debian packages that are needed and not there."""
    packages = [] if shutil.which("java") else ["default-jre-headless"]
    return packages if jars(version).exists() or shutil.which("mvn") else packages + ["maven"]


class Brokers:
    """settings: version, brokers, cluster_id, ports {listener: [port of each broker]}, tls, proxy_ports (None without proxy), settings of all brokers."""

    def __init__(self, folder, settings):
        self.folder = folder
        self.settings = settings
        self.count = settings["brokers"]

    def names(self):
        return [f"kafka-{n}" for n in range(1, self.count + 1)]

    def home(self, name):
        return self.folder / name

    def process(self, name):
        return Process(self.home(name) / "pid", self.home(name) / "log")

    def ports(self, listener):
        return self.settings["ports"][listener]

    def bootstrap(self, listener):
        ports = self.ports(listener)
        if listener == "CLIENT" and self.settings["proxy_ports"]:
            ports = self.settings["proxy_ports"]
        return ",".join(f"127.0.0.1:{port}" for port in ports)

    def java(self, *arguments):
        return ["java", "-Xms128m", "-Xmx768m", "-XX:+UseG1GC", "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", f"{jars(self.settings['version'])}/*", *arguments]

    def properties(self, index):
        listeners = [name for name in LISTENERS if name in self.settings["ports"]]
        advertised = {name: self.ports(name)[index] for name in listeners if name != "CONTROLLER"}
        if self.settings["proxy_ports"]:
            advertised["CLIENT"] = self.settings["proxy_ports"][index]
        replicas, in_sync = (3, 2) if self.count >= 3 else (1, 1)
        lines = {
            "process.roles": "broker,controller",
            "node.id": index + 1,
            "controller.quorum.voters": ",".join(f"{n + 1}@127.0.0.1:{port}" for n, port in enumerate(self.ports("CONTROLLER"))),
            "listeners": ",".join(f"{name}://127.0.0.1:{self.ports(name)[index]}" for name in listeners),
            "advertised.listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in advertised.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{LISTENERS[name]}" for name in listeners),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "INTERNAL",
            "log.dirs": self.home(f"kafka-{index + 1}") / "data",
            "broker.session.timeout.ms": 3000,  # a restarted broker waits for the session of the one before it
            "broker.heartbeat.interval.ms": 500,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "min.insync.replicas": in_sync,
            "default.replication.factor": replicas,
            "unclean.leader.election.enable": "false",
        }
        if self.settings["tls"]:
            lines |= self.secured()
        lines |= self.settings.get("settings", {})
        return "".join(f"{key}={value}\n" for key, value in lines.items())

    def secured(self):
        """Settings of the listeners TLS and SASL, and an authorizer that allows what no access rule names."""
        certificates = self.folder / "certificates"
        modules = "org.apache.kafka.common.security"
        scram = {f"listener.name.sasl.{kind}.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;" for kind in ("scram-sha-256", "scram-sha-512")}
        return scram | {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": certificates / "server.both.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": certificates / "ca.pem",
            "ssl.client.auth": "requested",
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": f'{modules}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "true",
        }

    def format(self, names):
        """Makes the storage of new brokers; does nothing for others."""
        running = []
        for name in names:
            home = self.home(name)
            home.mkdir(exist_ok=True)
            (home / "server.properties").write_text(self.properties(int(name[6:]) - 1))
            if not (home / "data" / "meta.properties").exists():
                users = []
                if self.settings["tls"]:
                    users = [word for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512") for word in ("--add-scram", f"{kind}=[name={USER},password={PASSWORD}]")]
                argv = self.java("kafka.tools.StorageTool", "format", "-t", self.settings["cluster_id"], "-c", home / "server.properties", *users)
                running.append((name, subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)))
        for name, tool in running:
            said = tool.communicate()[0]
            if tool.returncode:
                raise Failure(f"the storage of {name} cannot be formatted:\n{said[-2000:]}")

    def start(self, names, wait=True):
        """Starts those that do not run; with wait, returns when all serve."""
        self.format([name for name in names if self.process(name).pid() is None])
        for name in names:
            process = self.process(name)
            if process.pid() is None:
                process.start(self.java("kafka.Kafka", self.home(name) / "server.properties"))
        if wait:
            self.await_all(names)

    def await_all(self, names):
        """Returns when each of them knows itself to be part of the cluster."""
        for name in names:
            self.process(name).await_answer(lambda: self.serves(int(name[6:])), 60, name)

    def serves(self, node):
        try:
            return node in wire.metadata(self.ports("INTERNAL")[node - 1])[0]
        except wire.BrokerError:
            return False

    def tool(self, name, arguments):
        """A command-line tool of Kafka on the direct listener; returns its exit code."""
        connect = "--bootstrap-server"
        return subprocess.run(self.java(TOOLS.get(name, name), connect, self.bootstrap("INTERNAL"), *arguments), check=False).returncode
