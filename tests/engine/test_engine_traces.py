"""What a stopped Docker engine of this project's own leaves in the machine's firewall."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

# In a network namespace of its own: rules like those of Docker 20.10, and one that somebody else adds meanwhile.
SCENARIO = """
from pathlib import Path
import subprocess, sys
from toolchain import engine_traces

def iptables(rules):
    for rule in rules.strip().splitlines():
        subprocess.run(["iptables", *rule.split()], check=True)

def saved():
    text = subprocess.run(["iptables", "-S"], check=True, capture_output=True, text=True).stdout
    return text + subprocess.run(["iptables", "-t", "nat", "-S"], check=True, capture_output=True, text=True).stdout

engine_traces._BEFORE = Path(sys.argv[1]) / "before.json"
engine_traces._FOLDERS = ()
engine_traces._KEY = Path(sys.argv[1]) / "etc" / "key.json"
iptables("-A INPUT -p tcp --dport 22 -j ACCEPT")
engine_traces._FORWARDING.write_text("0")
before, forwarding = saved(), engine_traces._FORWARDING.read_text()
engine_traces.remember()
iptables('''
-N DOCKER
-N DOCKER-USER
-A DOCKER-USER -j RETURN
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-P FORWARD DROP
-t nat -N DOCKER
-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-t nat -A DOCKER -i docker0 -j RETURN
''')
engine_traces._FORWARDING.write_text("1")
engine_traces.remember()  # a second start after a crash: still the state before the first
engine_traces.remove()
assert saved() == before, saved()
assert engine_traces._FORWARDING.read_text() == forwarding, forwarding

engine_traces.remember()
iptables('''
-N DOCKER
-A FORWARD -o docker0 -j DOCKER
-A OUTPUT -p tcp --dport 99 -j DROP
''')
engine_traces.remove()
somebody_elses = "-A OUTPUT -p tcp -m tcp --dport 99 -j DROP"
assert set(saved().splitlines()) == {*before.splitlines(), somebody_elses}, saved()
assert not engine_traces._BEFORE.exists()
"""


def test_a_stopped_engine_leaves_the_firewall_as_it_was_and_others_rules_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("iptables", path=PATH):
        pytest.skip("a firewall to play with needs root and iptables")
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, "-c", SCENARIO, str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
