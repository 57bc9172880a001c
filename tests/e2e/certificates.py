"""A small certificate authority by the openssl program, for tests of TLS."""
import dataclasses
import pathlib
import subprocess


@dataclasses.dataclass(frozen=True)
class Issued:
    certificate: pathlib.Path
    key: pathlib.Path


class Authority:
    def __init__(self, folder: pathlib.Path, name: str = "weft test authority"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = folder / "ca.crt", folder / "ca.key"
        self._made: dict[tuple, Issued] = {}
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                      "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate,
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name: str, uris=(), names=(), addresses=(), is_expired=False, is_ca=False) -> Issued:
        """A leaf signed by this authority; the subject alternative names are exactly those given."""
        known = (name, tuple(uris), tuple(names), tuple(addresses), is_expired, is_ca)
        if known in self._made:
            return self._made[known]
        stem = f"{name}-{len(self._made)}"
        made = Issued(self.folder / f"{stem}.crt", self.folder / f"{stem}.key")
        request, extensions = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        alternatives = [f"URI:{uri}" for uri in uris] + [f"DNS:{dns}" for dns in names] + [f"IP:{ip}" for ip in addresses]
        lines = [f"basicConstraints=critical,CA:{'TRUE' if is_ca else 'FALSE'}",
                 "keyUsage=critical," + ("keyCertSign" if is_ca else "digitalSignature"),
                 "extendedKeyUsage=serverAuth,clientAuth"]
        if alternatives:
            lines.append("subjectAltName=" + ",".join(alternatives))
        extensions.write_text("\n".join(lines) + "\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                      "-days", "-1" if is_expired else "30", "-extfile", extensions, "-out", made.certificate)
        self._made[known] = made
        return made

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *[str(word) for word in words]], check=True, capture_output=True)
