"""Sessions as pods: the manifests against the API's own schemas, and what they open. No cluster runs here."""

from __future__ import annotations

import asyncio
import copy
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import kube_config
from kubespawner import KubeSpawner

from enclave.sandbox import CONTAINER_PYTHON, Bubblewrap, Mount, SandboxFault, SandboxSpec, container, python
from hub_config import kubernetes
from hub_config.config import LAB, Cluster, load
from hub_config.kube_spawner import pod_spec

FOLDER = Path(kubernetes.__path__[0])
VERSION = "1.37"
CLUSTER = Cluster("registry.example.gov/p20win-lab:0.1.0")
SESSION = {"component": "singleuser-server"}
HUB = {"component": "hub"}
STRANGER = {"component": "proxy"}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text("utf-8")))


ALL = [found for name in ("volumes", "network-policies", "public", "check") for found in documents(name)]


@pytest.mark.parametrize("manifest", ALL, ids=lambda found: f"{found['kind']}-{found['metadata']['name']}")
def test_a_manifest_is_what_the_api_takes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest | {"speck": {}}, VERSION, strict=True)


@pytest.fixture
def spec(tmp_path: Path) -> SandboxSpec:
    for folder in ("sessions/dr-0034-wren/project", "sessions/dr-0034-wren/home"):
        (tmp_path / folder).mkdir(parents=True)
    session = tmp_path / "sessions" / "dr-0034-wren"
    mounts = (Mount(session / "project", "/project"), Mount(session / "home", "/home/analyst", writable=True))
    command = (CONTAINER_PYTHON, "/opt/enclave/lab/serve.py")
    return SandboxSpec("s0123456789abcd", command, mounts, {"JUPYTERHUB_USER": "wren"})


def manifest_of(spec: SandboxSpec, runtime: Path) -> dict[str, Any]:
    """Put the specification into the pod that KubeSpawner names and labels, as it goes to the API."""

    async def written() -> dict[str, Any]:
        pod = await KubeSpawner(_mock=True).get_pod_manifest()
        pod.spec = pod_spec(spec, CLUSTER, runtime, 70001)
        async with ApiClient() as client:
            return client.sanitize_for_serialization(pod)  # type: ignore[no-any-return]

    return asyncio.run(written())


def test_a_sessions_pod_is_what_the_api_takes(
    spec: SandboxSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = {"name": "x", "cluster": {"server": "https://127.0.0.1:9"}}
    known = {"clusters": [nowhere], "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}
    (tmp_path / "kube").write_text(
        yaml.safe_dump({**known, "users": [{"name": "x", "user": {}}], "current-context": "x"})
    )
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kube"))
    sent = manifest_of(spec, tmp_path)
    kubernetes_validate.validate(sent, VERSION, strict=True)
    assert SESSION.items() <= sent["metadata"]["labels"].items()
    wrong = copy.deepcopy(sent)
    inside = wrong["spec"]["containers"][0]["securityContext"]
    inside["readOnlyRootFileSystem"] = inside.pop("readOnlyRootFilesystem")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_a_pod_has_no_socket_to_ask_through(spec: SandboxSpec, tmp_path: Path) -> None:
    (tmp_path / "sessions/dr-0034-wren/ask").mkdir()
    asking = Mount(tmp_path / "sessions/dr-0034-wren/ask", "/run/enclave/ask")
    with_it = replace(spec, mounts=(*spec.mounts, asking))
    assert pod_spec(with_it, CLUSTER, tmp_path, 70001) == pod_spec(spec, CLUSTER, tmp_path, 70001)


def test_a_pod_has_the_mounts_the_limits_and_the_environment_of_a_container(
    spec: SandboxSpec, tmp_path: Path
) -> None:
    pod, docker = pod_spec(spec, CLUSTER, tmp_path, 70001), container(spec, CLUSTER.image, 70001)
    (inside,) = pod["containers"]
    host = docker["HostConfig"]
    mounted = {(m["mountPath"], m["readOnly"]) for m in inside["volumeMounts"] if m["name"] == "runtime"}
    assert mounted == {(m["Target"], m["ReadOnly"]) for m in host["Mounts"]}
    assert [f"{told['name']}={told['value']}" for told in inside["env"]] == docker["Env"]
    ceilings = dict(re.findall(r"--(\w+)=(\d+)", " ".join(inside["command"])))
    assert ceilings.pop("nproc") == str(host["PidsLimit"])
    assert ceilings == {ulimit["Name"]: str(ulimit["Hard"]) for ulimit in host["Ulimits"]}
    assert inside["command"][-2:] == docker["Cmd"]
    assert inside["resources"]["limits"] == {"memory": str(host["Memory"]), "cpu": "4.0"}
    assert {volume["emptyDir"]["medium"] for volume in pod["volumes"] if "emptyDir" in volume} == {"Memory"}


def test_a_pod_is_given_nothing_but_that(spec: SandboxSpec, tmp_path: Path) -> None:
    pod = pod_spec(spec, CLUSTER, tmp_path, 70001)
    context = pod["containers"][0]["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["seccompProfile"] == {"type": "Localhost", "localhostProfile": "enclave.json"}
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 70001)
    closed = ("automountServiceAccountToken", "enableServiceLinks", "hostUsers")
    assert [pod[name] for name in closed] == [False] * 3 and pod["dnsPolicy"] == "None"
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "shareProcessNamespace"} & pod.keys()
    assert {volume["name"] for volume in pod["volumes"]} == {"runtime", "tmp", "shm"}


@pytest.mark.parametrize("source", ["sessions/dr-0035-wren/project", "../elsewhere"])
def test_what_is_missing_or_elsewhere_is_no_empty_folder(tmp_path: Path, source: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    runtime = tmp_path / "run"
    runtime.mkdir()
    spec = SandboxSpec("s0", ("python",), (Mount((runtime / source).resolve(), "/project"),))
    with pytest.raises(SandboxFault, match="/project is not on the volume"):
        pod_spec(spec, CLUSTER, runtime, 70001)


def allowed(pod: dict[str, str], peer: dict[str, str] | None, port: int, *, inwards: bool) -> bool:
    """Judge as a cluster does: what no policy that selects a pod allows is closed, once one selects it.

    `peer` None stands for an address outside the cluster.
    """
    side, kind, others = ("ingress", "Ingress", "from") if inwards else ("egress", "Egress", "to")
    selecting = [
        found["spec"]
        for found in documents("network-policies")
        if found["spec"]["podSelector"].get("matchLabels", {}).items() <= pod.items()
        and kind in found["spec"]["policyTypes"]
    ]
    rules = [rule for policy in selecting for rule in policy.get(side, [])]
    return not selecting or any(
        port in [open_port["port"] for open_port in rule["ports"]]
        and any(
            peer is not None and chosen.get("podSelector", {}).get("matchLabels", {"": ""}).items() <= peer.items()
            for chosen in rule.get(others, [{"podSelector": {"matchLabels": {}}}])
        )
        for rule in rules
    )


@pytest.mark.parametrize("port", [53, 80, 443, 6443, 8000, 8001, 8081, 8888])
def test_a_session_speaks_to_the_hub_and_to_nothing_else(port: int) -> None:
    assert allowed(SESSION, HUB, port, inwards=False) is (port == 8081)
    assert allowed(SESSION, HUB, port, inwards=True) is (port == 8888)
    for peer in (SESSION, STRANGER, None):
        assert not allowed(SESSION, peer, port, inwards=False)
        assert not allowed(SESSION, peer, port, inwards=True)
    assert allowed(HUB, SESSION, port, inwards=True) is (port == 8081)
    assert not allowed(HUB, STRANGER, port, inwards=True)


def test_every_policy_is_ours_and_the_check_is_under_a_sessions() -> None:
    """Policies add up: one of the chart's that allows more could not be taken back."""
    values = yaml.safe_load((FOLDER / "values.yaml").read_text("utf-8"))
    switches = (values["hub"], values["singleuser"], values["proxy"]["chp"])
    assert [place["networkPolicy"]["enabled"] for place in switches] == [False] * 3
    (job,) = documents("check")
    template = job["spec"]["template"]
    assert template["metadata"]["labels"] == SESSION
    ours = pod_spec(SandboxSpec("s0", ("python",)), CLUSTER, Path("/"), 1000)
    shared = ("automountServiceAccountToken", "hostUsers", "dnsPolicy", "dnsConfig", "securityContext")
    assert {name: template["spec"][name] for name in shared} == {name: ours[name] for name in shared}
    assert template["spec"]["containers"][0]["securityContext"] == ours["containers"][0]["securityContext"]


def test_the_hubs_pod_finds_what_its_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = yaml.safe_load((FOLDER / "values.yaml").read_text("utf-8"))["hub"]
    assert Path(values["args"][-1]).relative_to("/opt/enclave").as_posix() == "hub_config/jupyterhub_config.py"
    claims = {found["metadata"]["name"] for found in documents("volumes")}
    named = {volume["name"]: volume for volume in values["extraVolumes"]}
    wanted = {v["persistentVolumeClaim"]["claimName"] for v in named.values() if "persistentVolumeClaim" in v}
    assert wanted <= claims and CLUSTER.claim in wanted
    places = {mount["mountPath"]: mount["name"] for mount in values["extraVolumeMounts"]}
    assert set(places.values()) == set(named)
    path = tmp_path / "hub.toml"
    path.write_text(
        'home = "/var/lib/enclave"\nruntime_dir = "/var/lib/enclave-runtime"\nhost = "0.0.0.0"\n'
        'public_url = "https://enclave.example.gov"\n[kubernetes]\nimage = "lab"\n'
        '[identity]\nissuer = "https://id.example.gov"\nclient_id = "enclave"\nclient_secret = "x"\n'
    )
    found = load(path)
    assert places[str(found.runtime_dir)] == "runtime" and places[str(found.home)] == "home"
    monkeypatch.setenv("HUB_SERVICE_HOST", "10.0.0.7")
    assert found.kubernetes is not None and found.kubernetes.hub_url == "http://10.0.0.7:8081"


INSIDE = """
import socket, subprocess, sys
somebody = socket.create_server(("127.0.0.1", 0))
at = f"127.0.0.1:{somebody.getsockname()[1]}"
told = {"nothing": [], "hub": [f"--hub={at}"], "no hub": ["--hub=127.0.0.1:9"], "a way": ["--", at]}[sys.argv[1]]
sys.exit(subprocess.run([sys.executable, "/opt/enclave/lab/attempts.py", *told]).returncode)
"""


@pytest.mark.parametrize(
    ("there", "code", "says"),
    [
        ("nothing", 0, "closed  connect to 1.1.1.1:443"),
        ("hub", 0, "closed  resolve a name"),
        ("no hub", 1, "whether a policy closes the rest cannot be told"),
        ("a way", 1, "OPEN    connect to 127.0.0.1:"),
    ],
)
def test_the_check_finds_what_is_open(tmp_path: Path, there: str, code: int, says: str) -> None:
    """In a real sandbox, which has no network but its own loopback."""
    runtime = Path(f"/dev/shm/enclave-check-{tmp_path.name[-12:].replace('_', '-').lower()}")
    command = (python(), "-c", INSIDE, there)
    spec = SandboxSpec("scheck", command, (Mount(LAB, "/opt/enclave/lab"),), workdir="/tmp")
    with (tmp_path / "said").open("wb") as said:
        sandbox = Bubblewrap(runtime).start(spec, stdout=said, stderr=said)
        assert sandbox.wait(120) == code, (tmp_path / "said").read_text()
    shutil.rmtree(runtime)
    told = (tmp_path / "said").read_text()
    assert says in told
    assert ("OPEN" in told) is (there == "a way")
