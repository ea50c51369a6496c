"""Programs that are built from Go modules, and the objects that they render."""

import subprocess
from functools import cache
from pathlib import Path

import kubernetes_validate
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
VERSIONS = ("1.29.0", kubernetes_validate.latest_version())
RESTRICTED_VOLUMES = {
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Volume types of the restricted Pod Security Standard and of OpenShift's restricted-v2."""

_TEXT = {"type": "string", "minLength": 1}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_RELABELINGS = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "action": _TEXT,
            "modulus": {"type": "integer"},
            "regex": {"type": "string"},
            "replacement": {"type": "string"},
            "separator": {"type": "string"},
            "sourceLabels": {"type": "array", "items": _TEXT},
            "targetLabel": _TEXT,
        },
    },
}
_KEY_OF = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "key"],
    "properties": {"name": _TEXT, "key": _TEXT, "optional": {"type": "boolean"}},
}
_DURATION = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"}


def _closed(*required, **properties):
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


_SOURCE = _closed(configMap=_KEY_OF, secret=_KEY_OF)
_ENDPOINT = _closed(
    "port",
    port=_TEXT,
    path=_TEXT,
    interval=_DURATION,
    scrapeTimeout=_DURATION,
    scheme={"enum": ["http", "https"]},
    honorLabels={"type": "boolean"},
    enableHttp2={"type": "boolean"},
    tlsConfig=_closed(
        ca=_SOURCE,
        cert=_SOURCE,
        keySecret=_KEY_OF,
        serverName=_TEXT,
        insecureSkipVerify={"type": "boolean"},
    ),
    basicAuth=_closed("username", "password", username=_KEY_OF, password=_KEY_OF),
    relabelings=_RELABELINGS,
    metricRelabelings=_RELABELINGS,
)
_SELECTION = {
    "selector": _closed("matchLabels", matchLabels=_LABELS),
    "namespaceSelector": _closed("matchNames", matchNames={"type": "array", "items": _TEXT}),
}
_ENDPOINTS = {"type": "array", "minItems": 1, "items": _ENDPOINT}
_RULE = _closed(
    "expr",
    alert=_TEXT,
    record=_TEXT,
    expr=_TEXT,
    labels=_LABELS,
    annotations=_LABELS,
    keep_firing_for=_DURATION,
    **{"for": _DURATION},
)
_GROUP = _closed(
    "name",
    "rules",
    name=_TEXT,
    interval=_DURATION,
    labels=_LABELS,
    limit={"type": "integer"},
    query_offset=_DURATION,
    rules={"type": "array", "minItems": 1, "items": _RULE},
)
OPERATOR = {
    "ServiceMonitor": _closed("selector", "endpoints", endpoints=_ENDPOINTS, **_SELECTION),
    "PodMonitor": _closed(
        "selector", "podMetricsEndpoints", podMetricsEndpoints=_ENDPOINTS, **_SELECTION
    ),
    "PrometheusRule": _closed("groups", groups={"type": "array", "items": _GROUP}),
}
"""Specs of the Prometheus operator's resources: the fields used here, as its CRDs define them."""


@cache
def tool(name):
    """Return the path of a Go program. It is built if it is missing: that takes minutes."""
    ended = subprocess.run(
        [ROOT / "scripts/go-tools", name], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-5000:]
    return ended.stdout.strip()


def run(name, *arguments):
    """Run a Go program, and return how it ended."""
    return subprocess.run(
        [tool(name), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def rendered(name, *arguments):
    """Return the objects that a Go program renders."""
    ended = run(name, *arguments)
    assert ended.returncode == 0, ended.stderr
    return [one for one in yaml.safe_load_all(ended.stdout) if one]


def validate(one, version):
    """Check an object against the schemas of Kubernetes or of the Prometheus operator."""
    if one["apiVersion"] == "monitoring.coreos.com/v1":
        errors = sorted(Draft7Validator(OPERATOR[one["kind"]]).iter_errors(one["spec"]), key=str)
        assert not errors, errors[0].message
    else:
        kubernetes_validate.validate(one, version, strict=True)


def identity(one):
    return one["apiVersion"], one["kind"], one["metadata"]["name"]


def all_of(objects, kind):
    return [one for one in objects if one["kind"] == kind]


def only(objects, kind):
    (one,) = all_of(objects, kind)
    return one


def pod(objects):
    return only(objects, "StatefulSet")["spec"]["template"]


def container(objects):
    return next(one for one in pod(objects)["spec"]["containers"] if one["name"] == "exporter")


def environment(objects):
    """Return the values of the container's environment by name."""
    return {one["name"]: one.get("value") for one in container(objects)["env"]}


def assert_restricted(objects):
    """Check what the restricted standard demands, and that no id is fixed."""
    spec = pod(objects)["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    for volume in spec.get("volumes", ()):
        assert set(volume) - {"name"} <= RESTRICTED_VOLUMES


def ids(objects):
    """Return the users and groups that a pod asks for."""
    contexts = [pod(objects)["spec"]["securityContext"], container(objects)["securityContext"]]
    fixed = {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"}
    return {name: value for one in contexts for name, value in one.items() if name in fixed}
