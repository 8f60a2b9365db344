"""Downloads against a loopback server that cuts, forgets ranges or lies, and archives that mean harm."""

import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from objectives import _download, _pamap2_fetch
from objectives._download import DamagedArchiveError, download, unpack
from objectives.pamap2 import Pamap2
from sweep.errors import FetchError

CONTENT = bytes(range(256)) * 40_000  # 10 MB


class Server(ThreadingHTTPServer):
    """Serves ``content``; each of the first connections is cut after as many bytes as ``cuts`` says."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.cuts: list[int] = []
        self.ranges = True
        self.status = 200
        self.asked: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/data.zip"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        content, begin = self.server.content, 0
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        if wanted and self.server.ranges:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
            if begin >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        size = self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[begin : begin + size])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(CONTENT) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download, "WAIT_S", 0.0)


class Progress:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.calls.append((done, total))


def test_a_file_arrives_whole_with_progress(server: Server, tmp_path: Path) -> None:
    progress = Progress()
    target = download(server.url, tmp_path / "new" / "data.zip", progress)
    assert target.read_bytes() == CONTENT
    assert [p.name for p in target.parent.iterdir()] == ["data.zip"]
    assert progress.calls[0] == (0, len(CONTENT))
    assert progress.calls[-1] == (len(CONTENT), len(CONTENT))
    assert progress.calls == sorted(progress.calls)


def test_a_cut_connection_is_taken_up_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 2_000_000]
    assert download(server.url, tmp_path / "data.zip", Progress()).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-", "bytes=3000000-"]


def test_an_earlier_try_is_taken_up(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(CONTENT[:5_000_000])
    progress = Progress()
    assert download(server.url, tmp_path / "data.zip", progress).read_bytes() == CONTENT
    assert server.asked == ["bytes=5000000-"]
    assert progress.calls[0] == (5_000_000, len(CONTENT))


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cuts = [1_000_000]
    assert download(server.url, tmp_path / "data.zip", Progress()).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-"]


def test_a_part_that_is_whole_already_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(CONTENT)
    assert download(server.url, tmp_path / "data.zip", Progress()).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(CONTENT + b"more")
    assert download(server.url, tmp_path / "data.zip", Progress()).read_bytes() == CONTENT


def test_a_server_that_brings_nothing_is_given_up_and_what_came_is_kept(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000_000] + [0] * 20
    with pytest.raises(
        FetchError, match=r"did not arrive whole .*1000000 bytes are kept\): run the same command again"
    ):
        download(server.url, tmp_path / "data.zip", Progress())
    assert (tmp_path / "data.zip.part").read_bytes() == CONTENT[:1_000_000]
    assert len(server.asked) == 1 + _download.ATTEMPTS


def test_an_address_that_is_not_there_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(FetchError, match="answers 404 Not Found: check the address"):
        download(server.url, tmp_path / "data.zip", Progress())


def test_no_server_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="did not arrive whole"):
        download("http://127.0.0.1:9/data.zip", tmp_path / "data.zip", Progress())


def test_only_http_is_read(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="is not an http or https address"):
        download("file:///etc/passwd", tmp_path / "data.zip", Progress())


def test_a_folder_that_cannot_be_made_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match=r"file cannot be made .*: choose another folder"):
        download(server.url, tmp_path / "file" / "data.zip", Progress())


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_wanted_members_are_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"d/yes.dat": b"1", "d/no.txt": b"2"}))
    files = unpack(archive, tmp_path / "out", lambda path: path.suffix == ".dat")
    assert files == [tmp_path / "out" / "d" / "yes.dat"]
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == files


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil"])
def test_a_member_that_leaves_the_folder_is_refused_and_nothing_is_unpacked(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"good.dat": b"1", name: b"2"}))
    with pytest.raises(DamagedArchiveError, match="leaves the folder"):
        unpack(archive, tmp_path / "out", lambda _: True)
    assert not list(tmp_path.rglob("evil"))
    assert not list((tmp_path / "out").rglob("*"))


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DamagedArchiveError, match="is a symbolic link"):
        unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: True)


def test_a_target_that_cannot_be_written_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").mkdir()
    with pytest.raises(FetchError, match=r"data.zip.part cannot be written .*: choose a folder with room"):
        download(server.url, tmp_path / "data.zip", Progress())


def test_a_full_disk_is_said_before_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"big.dat": b"1" * 1000}))
    usage = type("Usage", (), {"free": 999})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(FetchError, match="GB are needed: choose another folder") as caught:
        unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: True)
    assert not isinstance(caught.value, DamagedArchiveError)


def pamap2(rows: int = 3, extra: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """Members of the inner archive: protocol recordings of ``rows`` rows, and something optional."""
    members = {f"PAMAP2_Dataset/Protocol/subject{s}.dat": b"0 0 0\n" * rows for s in range(101, 110)}
    return members | {"PAMAP2_Dataset/Optional/subject101.dat": b"9 9 9\n"} | (extra or {})


def nested(inner: dict[str, bytes]) -> bytes:
    return zipped({"PAMAP2_Dataset.zip": zipped(inner), "readme.pdf": b"read me"})


@pytest.fixture
def fetch(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, bytes], Progress]:
    monkeypatch.setattr(_pamap2_fetch, "ROWS", dict.fromkeys(_pamap2_fetch.ROWS, 3))
    monkeypatch.setenv("SWEEP_PAMAP2_URL", server.url)

    def run(folder: Path, content: bytes) -> Progress:
        server.content = content
        progress = Progress()
        assert Pamap2.fetch(folder, progress) == folder
        return progress

    return run


@pytest.mark.parametrize("archive", [nested(pamap2()), zipped(pamap2())], ids=["nested", "legacy, one layer"])
def test_pamap2_is_unpacked_into_protocol_and_nothing_else_stays(
    fetch: Callable[[Path, bytes], Progress], tmp_path: Path, archive: bytes
) -> None:
    fetch(tmp_path, archive)
    assert [p.name for p in tmp_path.iterdir()] == ["Protocol"]
    assert sorted(p.name for p in (tmp_path / "Protocol").iterdir()) == [f"subject{s}.dat" for s in range(101, 110)]


def test_pamap2_that_is_there_is_not_fetched_again(
    fetch: Callable[[Path, bytes], Progress], tmp_path: Path, server: Server
) -> None:
    fetch(tmp_path, nested(pamap2()))
    assert fetch(tmp_path, b"").calls == []
    assert len(server.asked) == 1


def test_fetch_goes_to_the_data_folder_by_default(
    fetch: Callable[[Path, bytes], Progress], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path))
    server.content = nested(pamap2())
    assert Pamap2.fetch(None, Progress()) == tmp_path / "pamap2"
    assert (tmp_path / "pamap2" / "Protocol" / "subject109.dat").exists()


def corrupt(archive: bytes) -> bytes:
    at = archive.index(b"PAMAP2_Dataset.zip") + 60
    return archive[:at] + bytes([archive[at] ^ 0xFF]) + archive[at + 1 :]


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (corrupt(nested(pamap2())), "is damaged"),
        (b"<html>come back later</html>", "is damaged .*not a zip file"),
        (nested(pamap2(extra={"../evil": b"x"})), "leaves the folder"),
        (zipped({"../evil": b"x"}), "leaves the folder"),
        (nested(pamap2(rows=2)), "subject101.dat in pamap2.zip has 2 rows, PAMAP2 has 3"),
        (zipped({"readme.pdf": b"read me"}), "subject101.dat in pamap2.zip has 0 rows"),
    ],
    ids=["corrupt", "not a zip", "evil inside", "evil outside", "rows missing", "no recordings"],
)
def test_a_bad_archive_is_one_clear_error_and_leaves_nothing(
    fetch: Callable[[Path, bytes], Progress], tmp_path: Path, archive: bytes, message: str
) -> None:
    folder = tmp_path / "pamap2"
    with pytest.raises(FetchError, match=message):
        fetch(folder, archive)
    assert list(folder.iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_a_bad_archive_can_be_fetched_again(fetch: Callable[[Path, bytes], Progress], tmp_path: Path) -> None:
    with pytest.raises(FetchError):
        fetch(tmp_path, corrupt(nested(pamap2())))
    fetch(tmp_path, nested(pamap2()))
    assert (tmp_path / "Protocol" / "subject101.dat").read_bytes() == b"0 0 0\n" * 3


def test_a_protocol_folder_with_gaps_is_not_touched(fetch: Callable[[Path, bytes], Progress], tmp_path: Path) -> None:
    (tmp_path / "Protocol").mkdir()
    (tmp_path / "Protocol" / "subject101.dat").touch()
    with pytest.raises(FetchError, match=r"is there but lacks subject102.dat, .*: move it away"):
        fetch(tmp_path, nested(pamap2()))
