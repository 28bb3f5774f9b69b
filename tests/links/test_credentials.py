"""Credentials: plugins that misbehave in every way, token files, certificates."""

import asyncio
import json
import os
import ssl
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console.errors import AuthExpiredError, BadReplyError, LinkError, UnreachableError
from console.links.kube.credentials import Credentials
from console.links.kube.kubeconfig import ExecPlugin, KubeEntry, KubeUser
from console.links.kube.plugin import run_plugin
from tests.links.client_certificate import make_pair

V1 = "client.authentication.k8s.io/v1"
ANSWER = """
import json, os, sys
told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
def answer(**status):
    kind = {"apiVersion": told["apiVersion"], "kind": "ExecCredential"}
    print(json.dumps({**kind, "status": status}))
"""


class Hands:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.moment = 1_000_000.0

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += seconds


def plugin(code: str, *, api_version: str = V1, **more: object) -> ExecPlugin:
    program = ANSWER + textwrap.dedent(code)
    return ExecPlugin(
        api_version=api_version,
        command=sys.executable,
        args=("-c", program),
        **more,  # type: ignore[arg-type]
    )


def entry(user: KubeUser, **more: object) -> KubeEntry:
    return KubeEntry(
        context="one",
        cluster="one",
        server="https://127.0.0.1:6443",
        user=user,
        **more,  # type: ignore[arg-type]
    )


def speaking(code: str, api_version: str = V1) -> KubeEntry:
    return entry(KubeUser(name="sre", plugin=plugin(code, api_version=api_version)))


def counting(folder: Path, code: str = "answer(token=f'token-{number}')") -> KubeEntry:
    """Give a plugin that numbers its runs in a file."""
    count = f"""
        import pathlib
        runs = pathlib.Path({str(folder / "runs")!r})
        number = len(runs.read_text()) + 1 if runs.exists() else 1
        runs.write_text("x" * number)
    """
    return speaking(textwrap.dedent(count) + textwrap.dedent(code))


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text()) if path.exists() else 0


def timed(seconds: float, clock: Hands) -> str:
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock.moment + seconds))
    return f"answer(token=f'token-{{number}}', expirationTimestamp={end!r})"


async def token(credentials: Credentials) -> str:
    return (await credentials.headers())["Authorization"].removeprefix("Bearer ")


async def refusal(credentials: Credentials) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await credentials.headers()
    return caught.value


async def test_a_token_is_a_bearer_header() -> None:
    assert await token(Credentials(entry(KubeUser(name="u", token="abc")), Hands())) == "abc"


async def test_a_password_is_a_basic_header() -> None:
    user = KubeUser(name="u", username="ann", password="secret")
    headers = await Credentials(entry(user), Hands()).headers()
    assert headers == {"Authorization": "Basic YW5uOnNlY3JldA=="}


async def test_nobody_has_no_header() -> None:
    credentials = Credentials(entry(KubeUser(name="")), Hands())
    assert await credentials.headers() == {}
    assert credentials.user == "anonymous"
    assert not await credentials.refused()


async def test_what_is_not_supported_is_refused_by_name() -> None:
    user = KubeUser(name="u", token="t", unsupported=("auth-provider gcp",))
    error = await refusal(Credentials(entry(user), Hands()))
    assert isinstance(error, AuthExpiredError)
    assert "auth-provider gcp, which the console does not support" in str(error)


async def test_a_token_file_is_read_again_after_a_while_and_after_a_401(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    clock = Hands()
    credentials = Credentials(entry(KubeUser(name="u", token_file=str(path))), clock)
    assert await token(credentials) == "first"
    path.write_text("second")
    assert await token(credentials) == "first"
    clock.moment += 11
    assert await token(credentials) == "second"
    assert not await credentials.refused()
    path.write_text("third")
    assert await credentials.refused()
    assert await token(credentials) == "third"


@pytest.mark.parametrize(("content", "told"), [(None, "No such file"), ("", "is empty")])
async def test_a_token_file_without_a_token_is_told(
    tmp_path: Path, content: str | None, told: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    error = await refusal(Credentials(entry(KubeUser(name="u", token_file=str(path))), Hands()))
    assert isinstance(error, AuthExpiredError)
    assert told in str(error)


@pytest.mark.parametrize("version", [V1, "client.authentication.k8s.io/v1beta1"])
async def test_a_plugin_of_either_version_gives_a_token(version: str) -> None:
    code = "answer(token='abc')"
    assert await token(Credentials(speaking(code, api_version=version), Hands())) == "abc"


async def test_a_plugin_has_neither_keyboard_nor_terminal() -> None:
    code = """
        answer(token=repr([sys.stdin.read(), told["spec"], os.getsid(0) == os.getpid(),
                           any(os.isatty(fd) for fd in (0, 1, 2))]))
    """
    assert await token(Credentials(speaking(code), Hands())) == str(
        ["", {"interactive": False}, True, False]
    )


async def test_a_plugin_gets_its_variables_and_the_cluster_when_it_asks(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"authority")
    code = "answer(token=json.dumps([os.environ['STAGE'], told['spec']['cluster']]))"
    user = KubeUser(name="u", plugin=plugin(code, env=(("STAGE", "blue"),), provide_cluster=True))
    found = entry(
        user,
        ca_file=str(tmp_path / "ca.pem"),
        tls_server_name="kube",
        exec_config={"audience": "x"},
    )
    assert json.loads(await token(Credentials(found, Hands()))) == [
        "blue",
        {
            "server": "https://127.0.0.1:6443",
            "tls-server-name": "kube",
            "certificate-authority-data": "YXV0aG9yaXR5",
            "config": {"audience": "x"},
        },
    ]


async def test_everybody_who_waits_is_served_by_one_run(tmp_path: Path) -> None:
    credentials = Credentials(counting(tmp_path), Hands())
    tokens = await asyncio.gather(*(token(credentials) for _ in range(20)))
    assert set(tokens) == {"token-1"}
    assert runs(tmp_path) == 1


async def test_a_waiter_who_gives_up_does_not_take_the_plugin_with_it(tmp_path: Path) -> None:
    credentials = Credentials(counting(tmp_path), Hands())
    impatient = asyncio.ensure_future(token(credentials))
    patient = asyncio.ensure_future(token(credentials))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == "token-1"
    assert runs(tmp_path) == 1


async def test_credentials_are_renewed_a_minute_before_they_end(tmp_path: Path) -> None:
    clock = Hands()
    credentials = Credentials(counting(tmp_path, timed(900, clock)), clock)
    assert await token(credentials) == "token-1"
    assert credentials.expires_at == clock.moment + 900
    clock.moment += 839
    assert await token(credentials) == "token-1"
    clock.moment += 2
    assert await token(credentials) == "token-2"


async def test_a_renewal_that_fails_early_leaves_the_old_token_until_it_ends(
    tmp_path: Path,
) -> None:
    clock = Hands()
    code = f"""
        if number > 1: sys.exit("no network")
        {timed(900, clock)}
    """
    credentials = Credentials(counting(tmp_path, code), clock)
    assert await token(credentials) == "token-1"
    clock.moment += 850
    assert await token(credentials) == "token-1"
    assert runs(tmp_path) == 2
    clock.moment += 51
    assert "no network" in str(await refusal(credentials))


async def test_a_401_renews_once_for_all_who_met_it(tmp_path: Path) -> None:
    clock = Hands()
    credentials = Credentials(counting(tmp_path), clock)
    assert await token(credentials) == "token-1"
    assert await asyncio.gather(*(credentials.refused() for _ in range(5))) == [True] * 5
    assert await credentials.refused()
    assert await token(credentials) == "token-2"
    assert runs(tmp_path) == 2
    clock.moment += 11
    assert await credentials.refused()
    assert runs(tmp_path) == 3


async def test_a_401_is_final_when_the_plugin_has_nothing_new() -> None:
    credentials = Credentials(speaking("answer(token='same')"), Hands())
    assert await token(credentials) == "same"
    assert not await credentials.refused()


async def test_a_failed_plugin_is_not_run_again_at_once(tmp_path: Path) -> None:
    clock = Hands()
    credentials = Credentials(counting(tmp_path, "sys.exit('expired')"), clock)
    for _ in range(5):
        await refusal(credentials)
    assert runs(tmp_path) == 1
    clock.moment += 6
    await refusal(credentials)
    clock.moment += 6
    await refusal(credentials)
    assert runs(tmp_path) == 2
    credentials.retry_now()
    await refusal(credentials)
    assert runs(tmp_path) == 3


async def test_what_a_failing_plugin_says_is_shown_without_its_secrets() -> None:
    code = """
        print("\\x1b[31mThe SSO session has expired, password=hunter2", file=sys.stderr)
        sys.exit(255)
    """
    user = KubeUser(name="u", plugin=plugin(code, env=(("AWS_PROFILE", "sre prod"),)))
    error = await refusal(Credentials(entry(user), Hands()))
    assert isinstance(error, AuthExpiredError)
    assert "exited with 255: The SSO session has expired, password=•••" in str(error)
    assert error.remedy == "log in: `aws sso login --profile 'sre prod'`"


async def test_of_a_long_complaint_the_end_is_shown_on_one_line() -> None:
    code = "sys.exit('Traceback:\\n' * 500 + '  token=hunter2\\n  cause: no network')"
    told = str(await refusal(Credentials(speaking(code), Hands())))
    assert "token=••• cause: no network (log in" in told
    assert "\n" not in told
    assert len(told) < 1000


async def test_a_login_that_the_plugin_names_is_the_remedy() -> None:
    code = "sys.exit('Error loading SSO Token: run aws sso login --profile dev.eu; then retry')"
    error = await refusal(Credentials(speaking(code), Hands()))
    assert error.remedy == "log in: `aws sso login --profile dev.eu`"


async def test_a_plugin_killed_by_a_signal_is_told() -> None:
    error = await refusal(Credentials(speaking("os.kill(os.getpid(), 9)"), Hands()))
    assert "was killed by signal 9 and said nothing" in str(error)


async def test_a_missing_plugin_names_its_installation(tmp_path: Path) -> None:
    for command in ("no-such-login-plugin", str(tmp_path / "login")):
        missing = ExecPlugin(api_version=V1, command=command, install_hint="brew install login")
        error = await refusal(Credentials(entry(KubeUser(name="u", plugin=missing)), Hands()))
        assert isinstance(error, AuthExpiredError)
        assert f"{command} is not installed (brew install login; then log in)" in str(error)


@pytest.mark.parametrize(("mode", "told"), [(0o644, "Permission denied"), (0o755, "Exec format")])
async def test_a_plugin_that_cannot_be_started_is_told(
    tmp_path: Path, mode: int, told: str
) -> None:
    path = tmp_path / "login"
    path.write_bytes(b"\x00\x01 no program")
    path.chmod(mode)
    broken = ExecPlugin(api_version=V1, command=str(path))
    error = await refusal(Credentials(entry(KubeUser(name="u", plugin=broken)), Hands()))
    assert isinstance(error, AuthExpiredError)
    assert told in str(error)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('hello')", "it printed no ExecCredential"),
        ("", "it printed no ExecCredential"),
        ("print('[1, 2]')", "it printed no ExecCredential"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe\\x00')", "it printed no ExecCredential"),
        ('print(\'{"kind": "ExecCredential"}\')', "it printed no ExecCredential"),
        ("told['apiVersion'] = 'v0'; answer(token='t')", "it printed v0 ExecCredential, not"),
        ("answer()", "neither a token nor a client certificate"),
        ("answer(token='')", "neither a token nor a client certificate"),
        ("answer(token=7)", "it printed no ExecCredential"),
        ("answer(token='a\\nb')", "characters that no header can carry"),
        ("answer(clientCertificateData='x')", "certificate or a key without the other"),
        ("answer(token='t', expirationTimestamp='soon')", "expirationTimestamp is no time"),
        ("print('x' * 3_000_000)", "it printed over 1048576 bytes"),
    ],
)
async def test_garbage_is_told_as_the_plugins(code: str, told: str) -> None:
    error = await refusal(Credentials(speaking(code), Hands()))
    assert isinstance(error, BadReplyError)
    assert "credential plugin python" in str(error)
    assert "log in" in error.remedy
    assert told in str(error)


async def test_much_talk_on_stderr_blocks_nobody() -> None:
    code = "sys.stderr.write('x' * 2_000_000); answer(token='abc')"
    assert await token(Credentials(speaking(code), Hands())) == "abc"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(") ")[2][0] != "Z"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  other processes signal no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ending", ["import time; time.sleep(600)", "answer(token='abc')"])
async def test_a_hanging_plugin_is_killed_with_all_that_it_started(
    tmp_path: Path, ending: str
) -> None:
    code = f"""
        import pathlib, subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        pathlib.Path({str(tmp_path / "pids")!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
        {ending}
    """
    hanging = plugin(code)
    with pytest.raises(AuthExpiredError, match="gave no answer within 3 s") as caught:
        await run_plugin(hanging, entry(KubeUser(name="u")), os.environ, deadline=3)
    assert caught.value.remedy.startswith("log in: run `")
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    await until(lambda: not any(alive(pid) for pid in pids))


async def test_closing_kills_the_plugin_under_way(tmp_path: Path) -> None:
    code = f"""
        import pathlib, time
        pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
        time.sleep(600)
    """
    credentials = Credentials(speaking(code), Hands())
    waiting = asyncio.ensure_future(credentials.headers())
    pid = tmp_path / "pid"
    await until(lambda: pid.exists() and bool(pid.read_text()))
    credentials.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not alive(int(pid.read_text())))


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    return make_pair()


def loaded(credentials: Credentials) -> ssl.SSLContext:
    context = credentials.ssl_context()
    assert context is credentials.ssl_context()
    return context


def test_certificate_data_is_used_and_nothing_stays_on_disk(
    pair: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen: list[int] = []
    real = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, *files: str, password: object) -> None:
        seen.extend(Path(file).stat().st_mode & 0o777 for file in files)
        real(context, *files)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    user = KubeUser(name="u", certificate=pair[0], key=pair[1])
    loaded(Credentials(entry(user, ca=pair[0]), Hands()))
    assert seen == [0o600, 0o600]
    assert list(tmp_path.iterdir()) == []


async def test_a_plugins_certificate_is_loaded_into_the_same_context(
    pair: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[bytes] = []
    monkeypatch.setattr(
        ssl.SSLContext,
        "load_cert_chain",
        lambda _, certificate, __, password: used.append(Path(certificate).read_bytes()),
    )
    certificate, key = (part.decode() for part in pair)
    code = f"answer(clientCertificateData={certificate!r}, clientKeyData={key!r})"
    credentials = Credentials(speaking(code), Hands())
    context = loaded(credentials)
    assert await credentials.headers() == {}
    assert used == [pair[0]]
    assert loaded(credentials) is context


@pytest.mark.parametrize(
    ("certificate", "key"), [(b"junk", b"junk"), (b"", b"junk")], ids=["data", "file"]
)
def test_a_certificate_that_is_none_is_told(tmp_path: Path, certificate: bytes, key: bytes) -> None:
    missing = "" if certificate else str(tmp_path / "c.pem")
    user = KubeUser(name="u", certificate=certificate, certificate_file=missing, key=key)
    with pytest.raises(AuthExpiredError, match="client certificate of user 'u' cannot be used"):
        Credentials(entry(user, insecure=True), Hands()).ssl_context()


def test_an_encrypted_key_is_refused_without_asking_on_the_terminal() -> None:
    certificate, key = make_pair(password=b"x")
    user = KubeUser(name="u", certificate=certificate, key=key)
    with pytest.raises(AuthExpiredError, match="the key is encrypted"):
        Credentials(entry(user, insecure=True), Hands()).ssl_context()


@pytest.mark.parametrize("ca", [b"junk", b"\xff\xff"])
def test_an_authority_that_is_none_is_told(ca: bytes) -> None:
    with pytest.raises(UnreachableError, match="certificate authority of 'one' cannot be read"):
        Credentials(entry(KubeUser(name="u"), ca=ca), Hands()).ssl_context()


def test_a_missing_authority_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="No such file"):
        Credentials(entry(KubeUser(name="u"), ca_file=f"{tmp_path}/ca"), Hands()).ssl_context()


def test_servers_are_verified_unless_the_kubeconfig_says_not_to() -> None:
    verified = Credentials(entry(KubeUser(name="u")), Hands()).ssl_context()
    assert (verified.verify_mode, verified.check_hostname) == (ssl.CERT_REQUIRED, True)
    blind = Credentials(entry(KubeUser(name="u"), insecure=True), Hands()).ssl_context()
    assert (blind.verify_mode, blind.check_hostname) == (ssl.CERT_NONE, False)
