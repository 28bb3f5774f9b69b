from pathlib import Path

import pytest

from console.errors import ConfigError
from console.links.kube.kubeconfig import Kubeconfig
from console.links.kube.kubeconfig_files import read_kubeconfig

BASE = """\
clusters:
- {name: one, cluster: {server: "https://127.0.0.1:6443"}}
users:
- {name: sre, user: {token: abc}}
contexts:
- {name: first, context: {cluster: one, user: sre, namespace: ops}}
"""


def read(folder: Path, text: str = BASE, **environ: str) -> Kubeconfig:
    path = folder / "config"
    path.write_text(text)
    return read_kubeconfig(str(path), environ)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return str(caught.value)


def with_cluster(options: str) -> str:
    return BASE.replace('{server: "https://127.0.0.1:6443"}', f"{{{options}}}")


def with_user(options: str) -> str:
    return BASE.replace("{token: abc}", f"{{{options}}}")


def test_a_context_leads_to_its_server_user_and_namespace(tmp_path: Path) -> None:
    (entry,) = read(tmp_path).entries
    assert (entry.context, entry.server) == ("first", "https://127.0.0.1:6443")
    assert (entry.user.name, entry.user.token, entry.namespace) == ("sre", "abc", "ops")
    assert entry.place == f"{tmp_path}/config:6"
    assert entry.user_place == f"{tmp_path}/config:4"


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    text = with_user("token: hunter2, password: hunter2, client-key-data: aHVudGVyMg==")
    text = text.replace("client-key-data", "client-certificate-data: aHVudGVyMg==, client-key-data")
    assert "hunter2" not in repr(read(tmp_path, text))


def test_a_missing_file_is_refused_with_what_named_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="named by --kubeconfig does not exist"):
        read_kubeconfig(str(tmp_path / "none"), {})
    with pytest.raises(ConfigError, match=r"named by \$KUBECONFIG does not exist"):
        read_kubeconfig(None, {"KUBECONFIG": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="named by the default place does not exist"):
        read_kubeconfig(None, {"HOME": str(tmp_path)})


def test_the_default_place_is_below_home(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(BASE)
    assert read_kubeconfig(None, {"HOME": str(tmp_path)}).entries[0].context == "first"


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "contexts:\n", "contexts: []\n"])
def test_an_empty_file_has_no_contexts(tmp_path: Path, text: str) -> None:
    assert "no contexts in" in refused(tmp_path, text)


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert f"{tmp_path}/config:3: is not YAML" in refused(tmp_path, "clusters:\n- a: b\n  - c\n")


def test_a_wrong_type_is_refused_with_its_line(tmp_path: Path) -> None:
    told = refused(tmp_path, BASE.replace("token: abc", "token: 12"))
    assert f"{tmp_path}/config:4: users[0].user.token: expected text" in told
    assert "got a whole number" in told


def test_a_list_where_a_mapping_should_be_is_refused(tmp_path: Path) -> None:
    assert "expected a mapping, got a list" in refused(tmp_path, "- contexts\n")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"contexts:\n- name: \xff\xfe\n")
    with pytest.raises(ConfigError, match="config:2: is not UTF-8 text"):
        read_kubeconfig(str(path), {})


def test_a_folder_is_refused_as_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_kubeconfig(str(tmp_path), {})


@pytest.mark.parametrize(
    "text", ["a: " + "[" * 5000, "a: &a [*a]\n", "a: " + "{b: " * 3000 + "1" + "}" * 3000]
)
def test_endless_nesting_is_refused(tmp_path: Path, text: str) -> None:
    assert "config" in refused(tmp_path, text)


def test_aliases_that_multiply_are_read_without_growing(tmp_path: Path) -> None:
    lines = ["x0: &x0 [a, a]"] + [
        f"x{level}: &x{level} [*x{level - 1}, *x{level - 1}]" for level in range(1, 40)
    ]
    assert len(read(tmp_path, BASE + "\n".join(lines) + "\n").entries) == 1


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\xef\xbb\xbf" + BASE.encode())
    assert len(read_kubeconfig(str(path), {}).entries) == 1


def test_ten_megabytes_are_read_whole(tmp_path: Path) -> None:
    data = "QUJD" * 800
    count = range(3000)
    sections = {
        "clusters": [
            f"- {{name: c{n}, cluster: {{server: 'https://127.0.0.1:{n + 1}',"
            f" certificate-authority-data: {data}}}}}\n"
            for n in count
        ],
        "users": [f"- {{name: u{n}, user: {{token: t{n}}}}}\n" for n in count],
        "contexts": [f"- {{name: n{n}, context: {{cluster: c{n}, user: u{n}}}}}\n" for n in count],
    }
    text = "".join(f"{name}:\n{''.join(lines)}" for name, lines in sections.items())
    assert len(text) > 10_000_000
    found = read(tmp_path, text)
    assert len(found.entries) == 3000
    assert found.entries[2999].server == "https://127.0.0.1:3000"
    assert not found.problems


def test_files_of_a_list_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(BASE)
    (tmp_path / "b").write_text(
        BASE.replace("abc", "xyz") + "- {name: second, context: {cluster: one, user: sre}}\n"
    )
    listed = f"{tmp_path}/a:{tmp_path}/none::{tmp_path}/b"
    found = read_kubeconfig(None, {"KUBECONFIG": listed})
    assert [entry.context for entry in found.entries] == ["first", "second"]
    assert {entry.user.token for entry in found.entries} == {"abc"}
    assert found.problems == (
        f"{tmp_path}/b:4: user 'sre' is defined again; the first one counts ({tmp_path}/a:4)",
        f"{tmp_path}/none: named by $KUBECONFIG, does not exist",
    )


def test_a_context_may_use_what_another_file_defines(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("contexts: [{name: x, context: {cluster: one, user: sre}}]")
    (tmp_path / "b").write_text(BASE)
    found = read_kubeconfig(None, {"KUBECONFIG": f"{tmp_path}/a:{tmp_path}/b"})
    assert [entry.context for entry in found.entries] == ["x", "first"]


def test_a_broken_file_of_a_list_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("clusters: [")
    (tmp_path / "b").write_text(BASE)
    found = read_kubeconfig(None, {"KUBECONFIG": f"{tmp_path}/a:{tmp_path}/b"})
    assert [entry.context for entry in found.entries] == ["first"]
    assert "a:1: is not YAML" in found.problems[0]


def test_an_explicit_file_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "other").write_text(BASE.replace("first", "other"))
    found = read(tmp_path, KUBECONFIG=str(tmp_path / "other"))
    assert [entry.context for entry in found.entries] == ["first"]


def test_names_given_twice_in_a_file_are_told_and_the_first_counts(tmp_path: Path) -> None:
    text = BASE.replace("users:", '- {name: one, cluster: {server: "https://127.0.0.1:1"}}\nusers:')
    found = read(tmp_path, text)
    assert found.entries[0].server == "https://127.0.0.1:6443"
    assert f"{tmp_path}/config:3: cluster 'one' is defined again" in found.problems[0]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cluster: one, ", "", "names no cluster"),
        ("cluster: one", "cluster: two", "names the cluster 'two', which no file defines"),
        ("user: sre", "user: root", "names the user 'root', which no file defines"),
        ('{server: "https://127.0.0.1:6443"}', "{}", "has no usable server"),
        ("https://127", "gopher://127", "has no usable server"),
        (
            '{server: "https://127.0.0.1:6443"}',
            "{server: 'https://h', certificate-authority: c, insecure-skip-tls-verify: true}",
            "both a certificate authority and insecure-skip-tls-verify",
        ),
        (
            '{server: "https://127.0.0.1:6443"}',
            "{server: 'https://h', certificate-authority-data: '%%%'}",
            "certificate-authority-data of cluster 'one' is not base64",
        ),
        (
            '{server: "https://127.0.0.1:6443"}',
            "{server: 'https://h', proxy-url: 'socks5://127.0.0.1:1'}",
            "a socks5 proxy (proxy-url), which is not supported",
        ),
        ("token: abc", "client-certificate: c.pem", "certificate or a key without the other"),
        ("token: abc", "exec: {command: ''}", "has no command"),
        (
            "token: abc",
            "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}",
            "v1alpha1' of user 'sre' is not supported",
        ),
    ],
)
def test_a_context_that_cannot_be_used_says_why_and_spares_the_others(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    healthy = BASE.replace("one", "fine").replace("sre", "me").replace("first", "healthy")
    text = BASE.replace(old, new)
    for section in ("clusters", "users", "contexts"):
        line = next(line for line in healthy.split(f"{section}:\n")[1].splitlines())
        text = text.replace(f"{section}:\n", f"{section}:\n{line}\n")
    found = read(tmp_path, text)
    assert [entry.context for entry in found.entries] == ["healthy"]
    assert told in found.broken["first"]
    assert found.broken["first"] in found.problems
    assert f"{tmp_path}/config:" in found.broken["first"]


def test_a_context_without_user_is_anonymous_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, BASE.replace(", user: sre", ""))
    assert found.entries[0].user.method == "nothing"
    assert "names no user; it will be anonymous" in found.problems[0]


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    text = with_user("tokenFile: secrets/token").replace(
        'server: "https://127.0.0.1:6443"', "server: 'https://h', certificate-authority: ca.pem"
    )
    (entry,) = read(tmp_path, text).entries
    assert entry.ca_file == f"{tmp_path}/ca.pem"
    assert entry.user.token_file == f"{tmp_path}/secrets/token"


def test_a_plugin_with_a_folder_is_beside_the_file_and_one_without_is_on_path(
    tmp_path: Path,
) -> None:
    version = "apiVersion: client.authentication.k8s.io/v1beta1"
    for command, expected in (("bin/login", f"{tmp_path}/bin/login"), ("aws", "aws")):
        (entry,) = read(tmp_path, with_user(f"exec: {{{version}, command: {command}}}")).entries
        assert entry.user.plugin is not None
        assert entry.user.plugin.command == expected


def test_data_wins_over_a_file(tmp_path: Path) -> None:
    text = with_cluster(
        "server: 'https://h', certificate-authority: x, certificate-authority-data: YWJj"
    )
    (entry,) = read(tmp_path, text).entries
    assert (entry.ca, entry.ca_file) == (b"abc", "")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("auth-provider: {name: gcp}", "auth-provider gcp"),
        ("token: t, as: root", "as (impersonation)"),
        ("token: t, as-groups: [system:masters]", "as-groups (impersonation)"),
        ("token: t, as-uid: '1'", "as-uid (impersonation)"),
        ("token: t, as-user-extra: {a: [b]}", "as-user-extra (impersonation)"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path: Path, options: str, named: str) -> None:
    (entry,) = read(tmp_path, with_user(options)).entries
    assert entry.user.unsupported == (named,)


@pytest.mark.parametrize(
    ("server", "extra", "expected"),
    [
        ("127.0.0.1:6443", "", "http://127.0.0.1:6443"),
        ("127.0.0.1:6443", ", insecure-skip-tls-verify: true", "https://127.0.0.1:6443"),
        ("https://127.0.0.1:6443/k8s/c-1/", "", "https://127.0.0.1:6443/k8s/c-1"),
    ],
)
def test_an_address_is_completed_as_client_go_does(
    tmp_path: Path, server: str, extra: str, expected: str
) -> None:
    (entry,) = read(tmp_path, with_cluster(f"server: '{server}'{extra}")).entries
    assert entry.server == expected


PROXY = {"HTTPS_PROXY": "http://e:2"}
BY_ENVIRONMENT = ("http://e:2", "$HTTPS_PROXY")
NONE = ("", "")


@pytest.mark.parametrize(
    ("server", "own", "environ", "expected"),
    [
        ("https://10.0.0.1", "http://p:1", PROXY, ("http://p:1", "proxy-url")),
        ("https://10.0.0.1", "", {"HTTPS_PROXY": "e:2"}, BY_ENVIRONMENT),
        ("https://10.0.0.1", "", {"https_proxy": "http://e:2"}, ("http://e:2", "$https_proxy")),
        ("https://10.0.0.1", "", {"HTTP_PROXY": "http://e:2"}, NONE),
        ("https://127.0.0.1", "", PROXY, NONE),
        ("https://localhost:1", "", PROXY, NONE),
        ("https://a.corp.test", "", {**PROXY, "NO_PROXY": ".corp.test"}, NONE),
        ("https://corp.test", "", {**PROXY, "NO_PROXY": ".corp.test"}, BY_ENVIRONMENT),
        ("https://a.corp.test", "", {**PROXY, "NO_PROXY": "corp.test"}, NONE),
        ("https://10.0.0.1", "", {**PROXY, "NO_PROXY": "10.0.0.0/8"}, NONE),
        ("https://h:1", "", {**PROXY, "no_proxy": "x, h:1"}, NONE),
        ("https://h:1", "", {**PROXY, "no_proxy": "h:2"}, BY_ENVIRONMENT),
        ("https://h", "", {**PROXY, "NO_PROXY": "*"}, NONE),
    ],
)
def test_a_proxy_is_found_as_go_finds_it(
    tmp_path: Path, server: str, own: str, environ: dict[str, str], expected: tuple[str, str]
) -> None:
    proxy = f", proxy-url: '{own}'" if own else ""
    (entry,) = read(tmp_path, with_cluster(f"server: '{server}'{proxy}"), **environ).entries
    assert (entry.proxy, entry.proxy_origin) == expected


def test_reading_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    read(tmp_path)
    path = tmp_path / "config"
    path.chmod(0o400)
    before = (path.stat().st_mtime_ns, path.read_bytes())
    read_kubeconfig(str(path), {})
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert [file.name for file in tmp_path.iterdir()] == ["config"]
