#!/usr/bin/env python3
"""Checks deploy/kubernetes: every document has what it needs, names agree with one another, and the configuration in it is one
that stoa reads (`manifests.py STOA`; without STOA that is not tried)."""
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
KINDS = {"ConfigMap": "v1", "Service": "v1", "PodDisruptionBudget": "policy/v1", "StatefulSet": "apps/v1"}
faults = []


def fault(file, text):
    faults.append(f"{file.relative_to(ROOT)}: {text}")


def matches(selector, labels):
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def check(file):
    documents = [document for document in yaml.safe_load_all(file.read_text()) if document]
    named = {}
    for document in documents:
        kind, name = document.get("kind"), document.get("metadata", {}).get("name")
        if KINDS.get(kind) != document.get("apiVersion"):
            fault(file, f"{kind} {name}: apiVersion {document.get('apiVersion')} is not {KINDS.get(kind)}")
        if (kind, name) in named:
            fault(file, f"{kind} {name} is there twice")
        named[kind, name] = document
    for (kind, name), document in list(named.items()):
        if kind == "StatefulSet":
            check_set(file, name, document["spec"], named)


def check_set(file, name, spec, named):
    template = spec["template"]
    labels = template["metadata"]["labels"]
    if not matches(spec["selector"]["matchLabels"], labels):
        fault(file, f"{name}: its selector does not match its pods")
    headless = named.get(("Service", spec["serviceName"]))
    if not headless or headless["spec"].get("clusterIP") != "None":
        fault(file, f"{name}: {spec['serviceName']} is no headless service")
    for (kind, other), document in named.items():
        selector = document.get("spec", {}).get("selector", {})
        selector = selector.get("matchLabels", selector)
        if kind in ("Service", "PodDisruptionBudget") and not matches(selector, labels):
            fault(file, f"{kind} {other} selects no pod")
    pod = template["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    for volume in pod["volumes"]:
        config = volume.get("configMap")
        if config and ("ConfigMap", config["name"]) not in named:
            fault(file, f"{name}: there is no ConfigMap {config['name']}")
    if not pod["securityContext"].get("runAsNonRoot"):
        fault(file, f"{name}: its pods may run as root")
    for container in pod["containers"]:
        ports = {port["name"] for port in container["ports"]}
        probes = [container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")]
        services = [port["targetPort"] for (kind, _), other in named.items() if kind == "Service" for port in other["spec"]["ports"]]
        for port in probes + services:
            if port not in ports:
                fault(file, f"{name}: there is no port {port}")
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                fault(file, f"{name}: there is no volume {mount['name']}")
        if container["securityContext"].get("allowPrivilegeEscalation") is not False:
            fault(file, f"{name}: {container['name']} may gain privileges")
        if not container["resources"]["limits"].get("memory"):
            fault(file, f"{name}: {container['name']} has no limit of memory")


def check_configuration(file, stoa):
    for document in yaml.safe_load_all(file.read_text()):
        if not document or document["kind"] != "ConfigMap":
            continue
        for name, text in document["data"].items():
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
                config.write(text)
                config.flush()
                argv = [stoa, "config", "check", "--config", config.name]
                ran = subprocess.run(argv, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
                if ran.returncode:
                    fault(file, f"{name}: {ran.stderr.strip()}")


for path in FILES:
    check(path)
    if len(sys.argv) > 1:
        check_configuration(path, sys.argv[1])
if not FILES:
    faults.append("deploy/kubernetes has no manifests")
print("\n".join(faults), end="\n" if faults else "")
sys.exit(bool(faults))
