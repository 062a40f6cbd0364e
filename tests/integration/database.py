"""PostgreSQL of Debian as a private cluster: own data, own port, password `secret`; never run as root."""
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from processes import Failure, Process, stat_of

USER, PASSWORD, DATABASE = "piperun", "secret", "piperun"


def programs():
    """The folder of PostgreSQL 15, or of the newest one after it; None without."""
    versions = {int(p.parent.parent.name): p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb") if re.fullmatch(r"\d+", p.parent.parent.name)}
    versions = {version: folder for version, folder in versions.items() if version >= 15}
    return versions.get(15) or (versions[max(versions)] if versions else None)


def missing():
    return [] if programs() else ["postgresql-15"]


class Database:
    """settings: port, tls, proxy_port (None without proxy)."""

    def __init__(self, folder, settings):
        self.home = folder / "postgres"
        self.certificates = folder / "certificates"
        self.settings = settings
        self.process = Process(self.home / "pid", self.home / "log")

    def url(self, direct=False):
        port = self.settings["port"] if direct else self.settings["proxy_port"] or self.settings["port"]
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"

    def account(self):
        """What Popen needs so that the server is not root; the server refuses to be."""
        if os.getuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            try:
                user = pwd.getpwnam(name)
                return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            except KeyError:
                pass
        raise Failure("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")

    def own(self, path):
        account = self.account()
        if account:
            os.chown(path, account["user"], account["group"])

    def create(self):
        self.home.mkdir(mode=0o755)
        data, secret = self.home / "data", self.home / "password"
        data.mkdir(mode=0o700)
        self.own(data)
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        self.own(secret)
        done = subprocess.run([programs() / "initdb", "-D", data, "-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"],
                              cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self.account())
        if done.returncode:
            shutil.rmtree(self.home)
            raise Failure(f"initdb: {done.stdout.strip()[-2000:]}\n(is {self.home.parent} open to the user that PostgreSQL runs as?)")
        lines = ["listen_addresses = '127.0.0.1'", f"port = {self.settings['port']}", "unix_socket_directories = ''", "max_connections = 200"]
        if self.settings["tls"]:
            for name in ("server.pem", "server.key"):
                shutil.copy(self.certificates / name, data / name)
                (data / name).chmod(0o600)
                self.own(data / name)
            lines += ["ssl = on", "ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'"]
        with open(data / "postgresql.conf", "a") as conf:
            conf.write("".join(line + "\n" for line in lines))

    def start(self, wait=True):
        fresh = not self.home.exists()
        if fresh:
            self.create()
        if self.process.pid() is None:
            self.forget_killed()
            self.process.start([programs() / "postgres", "-D", self.home / "data"], cwd="/", **self.account())
        if wait or fresh:
            self.process.await_answer(self.answers, 60, "postgres")
        if fresh:
            self.sql(f"create database {DATABASE}", "postgres")

    def forget_killed(self):
        """A killed server keeps its process id until somebody collects it, and PostgreSQL would take that for a server at work."""
        lock = self.home / "data" / "postmaster.pid"
        if lock.exists() and stat_of(lock.read_text().split()[0]) is None:
            lock.unlink()

    def answers(self):
        return subprocess.run([programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.settings["port"])], check=False).returncode == 0

    def sql(self, text, database=DATABASE):
        """Runs one statement on the direct port and returns what psql prints."""
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        done = subprocess.run([programs() / "psql", "-XAtq", "-h", "127.0.0.1", "-p", str(self.settings["port"]), "-U", USER, "-d", database, "-c", text],
                              env=environment, capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"psql: {done.stderr.strip()}")
        return done.stdout
