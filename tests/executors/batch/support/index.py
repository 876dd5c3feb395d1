"""An index of packages on loopback, with wheels made of what is installed here."""

import threading
import zipfile
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

# What a worker and a reducer import. Of botocore's 400 services it asks three.
WORKER = (
    "blake3 boto3 botocore cloudpickle diskcache jmespath msgspec platformdirs psutil "
    "python-dateutil s3transfer six threadpoolctl urllib3"
).split()
_ASKED = (
    "batch/",
    "logs/",
    "s3/",
    "endpoints.json",
    "partitions.json",
    "sdk-default-configuration.json",
    "_retry",
)


class Index:
    """What is served, and how often each package was asked for."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self._folder = folder

    def add(self, name: str) -> str:
        """Offer what is installed here under a name; return the requirement for it."""
        found = distribution(name)
        files = {
            str(file): found.locate_file(file)
            for file in found.files or ()
            if ".." not in file.parts and file.suffix != ".pyc"
        }
        if name == "botocore":
            data = "botocore/data/"
            files = {
                n: f
                for n, f in files.items()
                if not n.startswith(data) or n.removeprefix(data).startswith(_ASKED)
            }
        text = found.read_text("WHEEL") or ""
        tags = [x.removeprefix("Tag: ") for x in text.splitlines() if x.startswith("Tag: ")]
        tag = "py3-none-any" if "py3-none-any" in tags else tags[0]
        self._write(
            name, found.version, tag, {n: Path(str(f)).read_bytes() for n, f in files.items()}
        )
        return f"{name}=={found.version}"

    def make(self, name: str, version: str, text: str) -> str:
        """Offer a package of one module."""
        info = f"{name}-{version}.dist-info"
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        record = f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        files = {
            f"{name}.py": text,
            f"{info}/METADATA": head,
            f"{info}/WHEEL": wheel,
            f"{info}/RECORD": record,
        }
        self._write(name, version, "py3-none-any", {n: t.encode() for n, t in files.items()})
        return f"{name}=={version}"

    def _write(self, name: str, version: str, tag: str, files: dict[str, bytes]) -> None:
        folder = self._folder / "simple" / name
        folder.mkdir(parents=True, exist_ok=True)
        file = f"{name.replace('-', '_')}-{version}-{tag}.whl"
        with zipfile.ZipFile(folder / file, "w") as packed:
            for path, data in files.items():
                packed.writestr(path, data)
        links = "".join(f'<a href="{p.name}">{p.name}</a>' for p in folder.glob("*.whl"))
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")


@contextmanager
def serving(folder: Path, names: Iterable[str]) -> Generator[Index]:
    """An index with the packages *names* of here."""
    index = Index(folder)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            index.asked[self.path.split("/")[2]] += 1

    for name in names:
        index.add(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
