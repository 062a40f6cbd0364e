"""A certificate authority of its own, one certificate for the servers of 127.0.0.1 and one for a client; made by openssl."""
import shutil
import subprocess

from processes import Failure

FILES = ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")


def make(folder):
    """Puts FILES into folder, which must not exist yet; keys are PKCS #8 without a password, as Kafka and libpq read them."""
    if shutil.which("openssl") is None:
        raise Failure("openssl is missing: install the Debian package openssl")
    folder.mkdir()

    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"openssl {arguments[0]}: {done.stderr.strip()}")

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=piperun tests", "-keyout", "ca.key", "-out", "ca.pem")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1,DNS:localhost"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / "extension").write_text(extension + "\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", "request")
        openssl("x509", "-req", "-days", "3650", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-extfile", "extension", "-out", f"{name}.pem")
    (folder / "server.both.pem").write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())
