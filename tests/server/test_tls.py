"""To whom anything secret is said at all: a server whose certificate holds, over TLS 1.2 or newer."""

import datetime as dt
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

STATEMENT = b'{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1"}'
ADDRESS = ipaddress.ip_address("127.0.0.1")


@pytest.fixture
def certificate(tmp_path):
    """A certificate for this machine that nobody vouches for, and its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ADDRESS)]), critical=False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "server.pem"
    file.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(pem))
    return file


@pytest.fixture
def hospital(certificate):
    """What it was asked, and its address."""
    seen = []

    class Hospital(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(STATEMENT)))
            self.end_headers()
            self.wfile.write(STATEMENT)

        def log_message(self, *_):
            return

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer((str(ADDRESS), 0), Hospital) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield seen, f"https://{ADDRESS}:{server.server_port}/fhir"
        server.shutdown()
        thread.join()


def configure(folder, url):
    (folder / "personalize.toml").write_text(f'[sources.h]\nurl = "{url}"\ntoken = "s3cret"\n')


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(personalize, hospital, tmp_path):
    seen, url = hospital
    configure(tmp_path, url)
    said = personalize("pull", "h")
    assert said.code == 1 and "certificate verify failed" in said.err
    assert seen == []


def test_one_whose_certificate_holds_is_spoken_to(personalize, hospital, tmp_path, certificate, monkeypatch):
    """So that it was the certificate, above, and nothing else."""
    seen, url = hospital
    configure(tmp_path, url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    personalize("pull", "h")
    assert seen[0] == "Bearer s3cret"


def test_nothing_older_than_tls_1_2_is_spoken():
    assert httpx.create_ssl_context().minimum_version >= ssl.TLSVersion.TLSv1_2
