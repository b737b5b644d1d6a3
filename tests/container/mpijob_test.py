"""launch/mpijob.yaml is what the MPI Operator and Kubernetes accept, and fits launch/Containerfile.

Field names and types are those of the operator's version 0.8.2; the schemas of 0.4.0 to 0.8.2 accept it. To check the manifest against the schema of your version:
    PLEAT_MPIJOB_CRD=mpi-operator/manifests/base/kubeflow.org_mpijobs.yaml .venv/bin/python -m pytest tests/container
"""
import os
import re

import crd_schema
import pytest
import run_steps
import yaml

TEXT = (run_steps.ROOT / "launch/mpijob.yaml").read_text()
GPU_LINES = re.compile(r"^( +)limits: \{cpu.*\n +# With GPUs.*\n +# (limits: .*)$", re.MULTILINE)
JOB = yaml.safe_load(TEXT)
# The manifest as it is, and with GPUs as its comment says.
VARIANTS = {"cpu": JOB, "gpu": yaml.safe_load(GPU_LINES.sub(r"\1\2", TEXT))}

QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|[kMGT]i?)?")


def quantities(value):
    return all(isinstance(name, str) and QUANTITY.fullmatch(str(amount)) for name, amount in value.items())


SECURITY = {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int,
            "fsGroupChangePolicy": {"Always", "OnRootMismatch"}, "seccompProfile": {"type": {"RuntimeDefault"}}}
CONTAINER = {
    "name": str, "image": str, "workingDir": str, "command": [str], "args": [str],
    "lifecycle": {"preStop": {"exec": {"command": [str]}}},
    "securityContext": {"allowPrivilegeEscalation": bool, "capabilities": {"drop": [str]}},
    "resources": {"requests": quantities, "limits": quantities},
    "volumeMounts": [{"name": str, "mountPath": str}],
}
VOLUME = {"name": str, "persistentVolumeClaim": {"claimName": str}, "emptyDir": {"medium": {"Memory"}, "sizeLimit": str}}
POD = {"terminationGracePeriodSeconds": int, "automountServiceAccountToken": bool, "securityContext": SECURITY,
       "containers": [CONTAINER], "volumes": [VOLUME]}
REPLICAS = {"replicas": int, "restartPolicy": {"Never", "OnFailure"}, "template": {"spec": POD}}
SHAPE = {
    "apiVersion": {"kubeflow.org/v2beta1"}, "kind": {"MPIJob"}, "metadata": {"name": str},
    "spec": {
        "mpiImplementation": {"OpenMPI"}, "sshAuthMountPath": str, "slotsPerWorker": int,
        "runPolicy": {"cleanPodPolicy": {"Running", "All", "None"}, "backoffLimit": int, "activeDeadlineSeconds": int},
        "mpiReplicaSpecs": {"Launcher": REPLICAS, "Worker": REPLICAS},
    },
}


def misfits(value, shape, path="job"):
    """Says where `value` differs from `shape`: a type, a set of values, a list's element, a map's fields, or a predicate."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{path}: not a map"]
        return [text for name, inner in value.items()
                for text in ([f"{path}.{name}: unknown"] if name not in shape else misfits(inner, shape[name], f"{path}.{name}"))]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [text for i, inner in enumerate(value) for text in misfits(inner, shape[0], f"{path}[{i}]")]
    if isinstance(shape, set):
        return [] if value in shape else [f"{path}: {value!r}"]
    if isinstance(shape, type):
        return [] if type(value) is shape else [f"{path}: {value!r} is not {shape.__name__}"]
    return [] if shape(value) else [f"{path}: {value!r}"]


def pods(job):
    return [replicas["template"]["spec"] for replicas in job["spec"]["mpiReplicaSpecs"].values()]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_manifest_has_only_fields_of_the_operator_and_of_kubernetes(variant):
    assert misfits(VARIANTS[variant], SHAPE) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_manifest_follows_the_operators_schema(variant):
    path = os.environ.get("PLEAT_MPIJOB_CRD")
    if not path:
        pytest.skip("PLEAT_MPIJOB_CRD names no schema")
    assert crd_schema.errors(VARIANTS[variant], crd_schema.read(path, "v2beta1")) == []


def test_the_schema_check_finds_wrong_manifests():
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": {"type": "object", "properties": {
        "replicas": {"type": "integer", "format": "int32"}, "policy": {"type": "string", "enum": ["None"]},
        "limits": {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}], "pattern": "^[0-9]+(Gi)?$"}},
        "names": {"type": "array", "items": {"type": "string"}}}}}}
    good = {"spec": {"replicas": 2, "policy": "None", "limits": {"cpu": 4, "memory": "8Gi"}, "names": ["a"]}}
    assert crd_schema.errors(good, schema) == []
    for name, bad in {"replicas": "2", "policy": "Never", "limits": {"memory": "8 GB"}, "names": [1], "other": 1}.items():
        assert crd_schema.errors({"spec": {**good["spec"], name: bad}}, schema), name
    assert crd_schema.errors({}, schema)


def test_the_launcher_is_one_and_all_containers_are_complete():
    specs = JOB["spec"]["mpiReplicaSpecs"]
    assert specs["Launcher"]["replicas"] == 1
    for pod in pods(JOB):
        container, = pod["containers"]
        assert {"name", "image", "command", "lifecycle", "resources"} <= set(container)
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_the_manifest_fits_the_image():
    image = (run_steps.ROOT / "launch/Containerfile").read_text()
    assert JOB["spec"]["sshAuthMountPath"] == "/home/mpiuser/.ssh" and "HostKey /home/mpiuser/.ssh/id_rsa" in image
    for pod in pods(JOB):
        assert pod["securityContext"]["runAsUser"] == 1000 and "--uid 1000" in image
        container, = pod["containers"]
        assert container["image"] == f"pleat:{version()}"
        for command in (container["command"], container["lifecycle"]["preStop"]["exec"]["command"]):
            assert command[0] == "/usr/sbin/sshd" or (command[0] == "/opt/pleat/launch/mpijob.sh" and "launch/mpijob.sh" in image)


def version():
    return re.search(r"^project\(pleat VERSION (\S+)", (run_steps.ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


def test_a_worker_with_gpus_has_one_for_each_rank():
    worker = VARIANTS["gpu"]["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == JOB["spec"]["slotsPerWorker"]


def test_each_rank_has_as_many_threads_as_cores():
    specs = JOB["spec"]["mpiReplicaSpecs"]
    launcher, worker = (specs[role]["template"]["spec"]["containers"][0] for role in ("Launcher", "Worker"))
    threads = int(re.search(r"cluster\.threads=(\d+)", " ".join(launcher["args"]))[1])
    assert threads * JOB["spec"]["slotsPerWorker"] == int(worker["resources"]["limits"]["cpu"])
