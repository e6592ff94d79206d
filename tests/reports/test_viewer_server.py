"""The viewer answers to browsers on this machine only, with what stands in runs only, and only reads."""

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.errors import HarnessError
from harness.records.decisions import Decision, Statement
from reports.viewer.viewer_server import ViewerServer, open_server
from tests.shared.shelved import half_written, made_run
from tests.shared.viewing import made_routes, viewing

SECRET = "what-lies-outside"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text(SECRET)
    made_run(tmp_path / "runs" / "terms" / "one")
    (tmp_path / "runs" / "terms" / "one" / "notes.txt").write_text(SECRET)
    (tmp_path / "runs" / "link").symlink_to(tmp_path)
    (tmp_path / "runs" / "notes.txt").write_text(SECRET)
    return tmp_path / "runs"


@pytest.fixture
def server(root: Path) -> Iterator[ViewerServer]:
    with viewing(root) as server:
        yield server


def ask(server: ViewerServer, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    reply = connection.getresponse()
    content = reply.read().decode()
    connection.close()
    return reply, content


def raw(server: ViewerServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        content = b""
        while part := connection.recv(65536):
            content += part
    return content


def test_the_list_and_the_report(server: ViewerServer) -> None:
    reply, page = ask(server, "/")
    assert reply.status == 200
    assert 'href="/runs/terms/one/"' in page
    assert "Deploy lora: it is better than every other variant that could be deployed." in page
    assert '<span class="certainty sure">sure</span>' in page
    assert "100.0 %" in page
    reply, page = ask(server, "/runs/terms/one/")
    assert reply.status == 200
    assert "<title>clinic – report</title>" in page
    assert reply.getheader("X-Viewer-Page") is None


def test_only_this_machine_can_ask(server: ViewerServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/runs/../secret.txt", "/runs/../../secret.txt", "/runs/%2e%2e/secret.txt",
        "/runs/%2e%2e%2fsecret.txt", "/runs/..%2f..%2fetc/passwd", "/runs/%252e%252e/secret.txt", "/runs//etc/passwd",
        "/runs/terms/one/../../notes.txt", "/runs/terms/one/notes.txt", "/runs/terms/one/run.json",
        "/runs/terms/one/report.html", "/runs/terms/one/.lock", "/runs/notes.txt", "/notes.txt", "/runs/link/secret.txt",
        "/runs/link/", "/runs/link/runs/terms/one/", "/runs/terms/one/%00", "/runs/terms%2fone/", "/runs/terms/", "/runs/",
        "/runs", "/assets/", "/assets/../html.py", "/assets/list.html.j2", "/assets/%2e%2e/html.py", "//127.0.0.1/",
        "/%", "/%zz", "/\\..\\secret.txt", "/runs/terms/one//", "/runs/./terms/one/", "/runs/C:/", "/favicon.ico",
    ],
)  # fmt: skip
def test_nothing_else_can_be_read(path: str, server: ViewerServer) -> None:
    reply, page = ask(server, path)
    assert reply.status == 404
    assert SECRET not in page
    assert "root:" not in page
    assert "Traceback" not in page


@pytest.mark.parametrize("path", ["/", "/runs/terms/one/", "/runs/nowhere/", "/assets/viewer.js"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost", "", "[::1]:{port}", "127.0.0.1:{port}@evil", "127.1:{port}"])  # fmt: skip
def test_a_foreign_name_that_leads_here_is_refused(host: str, path: str, server: ViewerServer) -> None:
    reply, page = ask(server, path, Host=host.format(port=server.port))
    assert reply.status == 403
    assert "clinic" not in page


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_this_machine_by_its_names(host: str, server: ViewerServer) -> None:
    assert ask(server, "/", Host=host.format(port=server.port))[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"])
def test_only_reading(method: str, server: ViewerServer) -> None:
    reply, _ = ask(server, "/", method)
    assert reply.status == 405
    assert reply.getheader("Allow") == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/runs/terms/one/", "/nowhere", "/assets/report.css", "/runs/terms/one"])
def test_head_is_get_without_the_content(path: str, server: ViewerServer) -> None:
    got, content = ask(server, path)
    head, nothing = ask(server, path, "HEAD")
    assert nothing == ""
    assert head.status == got.status
    assert head.getheader("Content-Length") == got.getheader("Content-Length") == str(len(content.encode()))


@pytest.mark.parametrize("path", ["/", "/runs/terms/one/", "/nowhere", "/assets/report.css", "/assets/viewer.js"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_reply_is_guarded(path: str, method: str, server: ViewerServer) -> None:
    reply, _ = ask(server, path, method)
    policy = reply.getheader("Content-Security-Policy") or ""
    for part in (
        "default-src 'none'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ):
        assert part in policy
    assert "http" not in policy
    assert reply.getheader("X-Content-Type-Options") == "nosniff"
    assert reply.getheader("Cross-Origin-Resource-Policy") == "same-origin"
    assert reply.getheader("Referrer-Policy") == "no-referrer"
    assert reply.getheader("Access-Control-Allow-Origin") is None
    assert reply.getheader("Server") is None


def test_pages_of_the_viewer_admit_no_script_in_the_page(server: ViewerServer) -> None:
    reply, page = ask(server, "/")
    assert "unsafe" not in (reply.getheader("Content-Security-Policy") or "")
    assert "<script>" not in page
    assert "style=" not in page
    assert "onclick" not in page


def test_what_has_not_changed_is_not_sent_again(server: ViewerServer, root: Path) -> None:
    reply, _ = ask(server, "/")
    tag = reply.getheader("ETag") or ""
    again, nothing = ask(server, "/", If_None_Match=tag)
    assert (again.status, nothing) == (304, "")
    assert again.getheader("Content-Length") is None
    made_run(root / "second")
    assert ask(server, "/", If_None_Match=tag)[0].status == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"403"),  # no host
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil\r\n\r\n", b"403"),
        (b"GET / HTTP/1.0\r\n\r\n", b"403"),
        (b"GET http://evil/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", b"404"),
        (b"GET /\x00/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", b"404"),
        (b"GET /runs/\xff\xfe/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", b"404"),
        (b"GET / HTTP/9.9\r\nHost: 127.0.0.1:PORT\r\n\r\n", b"505"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / x y HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(200)) + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", b"431"),
    ],
)  # fmt: skip
def test_requests_that_no_browser_makes(request_: bytes, status: bytes, server: ViewerServer) -> None:
    reply = raw(server, request_.replace(b"PORT", str(server.port).encode()))
    assert reply.split(b" ", 2)[1] == status, reply[:200]
    assert b"Traceback" not in reply
    assert b"clinic" not in reply
    assert ask(server, "/")[0].status == 200  # it goes on


def test_a_body_is_no_second_request(server: ViewerServer) -> None:
    host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
    hidden = b"GET /runs/terms/one/ HTTP/1.1\r\n" + host + b"\r\n"
    reply = raw(server, b"GET / HTTP/1.1\r\n" + host + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
    assert reply.count(b"HTTP/1.1 200") == 1


def test_a_browser_that_goes_away(server: ViewerServer, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /runs/terms/one/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends with a reset
    assert ask(server, "/")[0].status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_slow_browser_holds_up_no_other(server: ViewerServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HT")
        assert ask(server, "/")[0].status == 200


def test_the_address_of_a_folder_leads_to_its_page(server: ViewerServer) -> None:
    for query, location in (
        ("", "/runs/terms/one/"),
        ("?lang=zh", "/runs/terms/one/?lang=zh"),
        ("?x=%0d%0ay", "/runs/terms/one/"),
    ):
        reply, _ = ask(server, f"/runs/terms/one{query}")
        assert (reply.status, reply.getheader("Location")) == (301, location)


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "a b#c?d&e", "100%", "终", "'\"", "\udcff", "a..", "a\r\nX: y", "%2e%2e"])  # fmt: skip
def test_hostile_names(name: str, tmp_path: Path) -> None:
    made_run(tmp_path / "runs" / name, name=name.encode("utf-8", "replace").decode())
    with viewing(tmp_path / "runs") as server:
        _, page = ask(server, "/")
        assert "<img" not in page
        address = quote(name.encode("utf-8", "surrogateescape"))
        assert f'href="/runs/{address}/"' in page
        reply, page = ask(server, f"/runs/{address}/")
        assert reply.status == 200
        assert "<img" not in page
        reply, _ = ask(server, f"/runs/{address}")
        assert reply.getheader("Location") == f"/runs/{address}/"
        assert reply.getheader("X") is None


def test_a_recommendation_in_unknown_words(root: Path) -> None:
    for number, statement in enumerate(
        (
            Statement("nowhere.at_all", {}), Statement("decision.choose", {}), Statement("no", {"variant": 1}),
            Statement("decision.undecided", {"needed": {"unit": "items"}, "variant": "a", "rival": "b", "figure": "x"}),
            Statement("decision.choose", {"variant": "<b>{0.__class__}</b>"}),
        )
    ):  # fmt: skip
        decision = Decision(kind="choose", certainty="sure", variant="<b>", headline=statement)
        made_run(root / f"strange{number}", decision=decision)
    routes = made_routes(root)
    page = routes.reply("/", "", "").content.decode()
    assert page.count("Its recommendation is in words that this version does not know.") == 4
    assert "&lt;b&gt;{0.__class__}&lt;/b&gt;" in page


def test_broken_runs_are_listed_with_the_reason(root: Path) -> None:
    half_written(root / "half", "run.json")
    half_written(root / "half-summary", "summary.json")
    half_written(root / "half-scores", "scores.jsonl")
    (root / "half-scores" / "report.html").unlink(missing_ok=True)
    with viewing(root) as server:
        _, page = ask(server, "/")
        assert "This run cannot be read: run.json is broken or half written: Invalid JSON" in page
        assert "Its figures cannot be read: summary.json is broken or half written: Invalid JSON" in page
        for name in ("half", "half-summary", "half-scores"):
            reply, page = ask(server, f"/runs/{name}/")
            assert reply.status == 200, name
            assert reply.getheader("X-Viewer-Page") == "own"
            assert "Traceback" not in page
        assert "The report cannot be made: " in page
        assert "scores.jsonl:2: not a Score record" in page


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "running"}, "It was cut short. The same command goes on where it stopped: harness run suites/terms/suite.yaml"),
        ({"status": "running", "command": None}, "It was cut short. The same command goes on where it stopped."),
    ],
)  # fmt: skip
def test_an_interrupted_run_says_how_it_goes_on(state: dict[str, Any], expected: str, root: Path) -> None:
    folder = made_run(root / "cut", **state)
    (folder.path / "summary.json").unlink()
    page = made_routes(root).reply("/runs/cut/", "", "").content.decode()
    assert expected in page.replace("&#39;", "'")
    assert "There is no report yet." in page


@pytest.mark.parametrize(
    ("query", "accepted", "stated", "expected"),
    [
        ("", "", None, "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", None, "zh"),
        ("", "de-DE,en-GB;q=0.9,zh;q=0.1", None, "en"),
        ("", "en", "zh", "zh"),
        ("lang=en", "zh", "zh", "en"),
        ("lang=zh", "en", "en", "zh"),
        ("lang=fr", "zh", None, "zh"),
        ("lang=", "", None, "en"),
        ("lang=zh&lang=en", "", None, "en"),
    ],
)  # fmt: skip
def test_languages(query: str, accepted: str, stated: Any, expected: str, root: Path) -> None:
    page = made_routes(root, stated).reply("/", query, accepted).content.decode()
    assert f'<html lang="{expected}">' in page
    assert ("已完成" in page) is (expected == "zh")
    is_asked_for = bool(stated) or query in ("lang=en", "lang=zh", "lang=zh&lang=en")
    assert (f'href="/runs/terms/one/?lang={expected}"' in page) is is_asked_for


def test_the_next_free_port(root: Path) -> None:
    notes: list[str] = []
    with open_server(0, made_routes(root), notes.append) as first:
        assert notes == []
        with open_server(first.port, made_routes(root), notes.append) as second:
            assert second.port > first.port
            assert notes == [f"Port {first.port} is in use; {second.port} is taken instead."]
            with pytest.raises(OSError, match="in use"):
                ViewerServer(first.port, made_routes(root))


def test_no_free_port(root: Path) -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 65535))
        except OSError:
            pytest.skip("port 65535 is taken here")
        taken.listen()
        with pytest.raises(HarnessError, match="--port 65535: no port from it to 65535 is free; choose another"):
            open_server(65535, made_routes(root), print)


def test_no_runs_yet(tmp_path: Path) -> None:
    page = made_routes(tmp_path).reply("/", "", "").content.decode()
    assert "No runs here yet." in page
    assert "harness run suite.yaml" in page


def test_a_run_by_itself_begins_with_its_report(root: Path) -> None:
    assert made_routes(root).start == "/"
    routes = made_routes(root / "terms" / "one", "zh")
    assert routes.start == "/runs/one/?lang=zh"
    assert b"<title>clinic" in routes.reply("/runs/one/", "lang=zh", "").content


def test_a_page_that_fails_is_one_sentence(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    routes = made_routes(root)
    routes.desk._render = lambda finished: 1 / 0  # type: ignore[assignment, return-value]
    with open_server(0, routes, print) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        reply, page = ask(server, "/runs/terms/one/")
        server.shutdown()
    assert reply.status == 500
    assert "This page could not be made: ZeroDivisionError: division by zero." in page
    assert "Traceback" not in page
    assert capfd.readouterr().err == "error: '/runs/terms/one/': ZeroDivisionError: division by zero\n"


def test_a_page_is_made_once(root: Path) -> None:
    routes = made_routes(root)
    made: list[int] = []
    render = routes.desk._render
    routes.desk._render = lambda finished: (made.append(1), render(finished))[1]  # type: ignore[func-returns-value]
    first = routes.reply("/runs/terms/one/", "", "")
    assert routes.reply("/runs/terms/one/", "", "") == first
    assert len(made) == 1
    (root / "terms" / "one" / "scores.jsonl").touch()
    routes.reply("/runs/terms/one/", "", "")
    assert len(made) == 2


def test_the_items_of_a_run(root: Path) -> None:
    made_run(root / "a b")
    routes = made_routes(root)
    reply = routes.reply("/runs/a%20b/items/0-0", "", "")
    assert (reply.status, reply.type) == (200, "application/json; charset=utf-8")
    content = json.loads(reply.content)
    (item,) = content["items"]
    assert (item["task"], item["id"], content["texts"][item["input"]]) == ("norm", "1", "痛")
    assert [answer["text"] for answer in item["answers"]] == ["痛", "疼痛"]


@pytest.mark.parametrize(
    "path",
    [
        "one/items/0-1", "one/items/1-1", "one/items/1-0", "one/items/-1-0", "one/items/0", "one/items/a-b", "one/items/",
        "one/items/0-99999999999999999999", "one/items/0-5000", "one/items/0-0/", "items/0-0", "nowhere/items/0-0",
        "one/items/../items/0-0", "one/items/٠-٠", "one/other/0-0",
    ],
)  # fmt: skip
def test_items_that_are_not_there(path: str, root: Path) -> None:
    reply = made_routes(root).reply(f"/runs/terms/{quote(path)}", "", "")
    assert reply.status == 404


def test_items_of_a_broken_run(root: Path) -> None:
    half_written(root / "half", "predictions.jsonl")
    assert made_routes(root).reply("/runs/half/items/0-0", "", "").status == 404


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, "22 November 2026, 09:37 UTC, in 4 min · "),
        ({"finished": None}, "22 November 2026, 09:37 UTC · "),
        ({"finished": "2026-11-21T09:37:05+00:00"}, "22 November 2026, 09:37 UTC · "),  # a clock was put back
        ({"finished": "2026-11-22T09:41:12"}, "22 November 2026, 09:37 UTC · "),
        ({"started": "yesterday", "finished": 3}, '<p class="facts"><span'),
        ({"started": "2026-11-22T09:37:05"}, "22 November 2026, 09:37 · "),
    ],
)  # fmt: skip
def test_when_it_was(record: dict[str, Any], expected: str, tmp_path: Path) -> None:
    made_run(tmp_path / "run", **record)
    assert expected in made_routes(tmp_path).reply("/", "", "").content.decode()


def test_no_more_items_than_a_page_asks_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.viewer.routes.MOST_ITEMS", 0)
    assert made_routes(root).reply("/runs/terms/one/items/0-0", "", "").status == 404
