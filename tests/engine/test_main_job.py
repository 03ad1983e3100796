"""From the stack file to a segmentation that XNAT's viewer could ask for, and back, on the real engines."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import docker
import nibabel
import numpy
import pytest
import requests

from clients.aiaa import AiaaClient
from sandbox.xnat.viewer import url_used
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiStack, pulumi_stack

SPLEEN = "clara_pt_spleen_ct_segmentation"
LIVER = "liver_demo"
BOTH_BOXES = "sandbox/ngc/models/segmentation_1to1.ts"  # labels 40 to 220 HU; liver_demo's own 40 to 160
NAME = "mainjob"


@dataclass
class Deployment:
    """A stack as Pulumi.dev.yaml has it, on free ports, with a second server that has no models."""

    stack: PulumiStack
    settings: dict[str, Any]

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        change(self.settings)
        self.stack.configure(self.settings)

    @property
    def aiaa(self) -> str:
        return f"http://127.0.0.1:{self.settings['servers']['main']['port']}"

    def list_in_xnat(self, project: str) -> list[str]:
        url = f"{self.stack.outputs()['xnat']['url']}/xapi/ohifaiaa/projects/{project}/servers"
        answer = requests.get(url, auth=("admin", "admin"), timeout=10)
        return list(answer.json()) if answer.status_code == 200 else []

    def labelled(self, model: str) -> int:
        """How many of the volume's voxels the model labels."""
        with AiaaClient(self.aiaa) as client:
            entry = client.find(model)
            assert entry is not None
            answer = client.infer(entry, volume(), "two-boxes.nii.gz", 60)
        assert answer.image is not None
        mask = nibabel.Nifti1Image.from_bytes(
            gzip.decompress(answer.image) if answer.image[:2] == b"\x1f\x8b" else answer.image
        )
        return int(numpy.count_nonzero(numpy.asanyarray(mask.dataobj)))

    def listed(self) -> list[str]:
        """Names of the models on the server."""
        return [entry["name"] for entry in requests.get(f"{self.aiaa}/v1/models", timeout=10).json()]

    def uploads(self) -> list[str]:
        """What the server was asked to load since it started."""
        log = requests.get(f"{self.aiaa}/sandbox/requests", timeout=10).json()
        loads = [entry for entry in log if entry["path"].startswith("/admin/model/")]
        return [entry["path"] for entry in loads if (entry["method"], entry["status"]) == ("PUT", 200)]


def volume() -> bytes:
    """Air with two boxes of 1000 voxels each, of 100 and of 200 Hounsfield units."""
    voxels = numpy.full((48, 48, 48), -1000, numpy.int16)
    voxels[5:15, 5:15, 5:15] = 100
    voxels[25:35, 25:35, 25:35] = 200
    image = nibabel.Nifti1Image(voxels, numpy.eye(4))  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes())


def settings() -> dict[str, Any]:
    server = {"gpus": [], "ulimits": {"memlock": None}}
    return {
        "servers": {"main": {**server, "port": free_port()}, "second": {**server, "port": free_port()}},
        "models": {
            SPLEEN: {"ngc": {"path": f"nvidia/med/{SPLEEN}", "version": "1"}, "servers": ["main"]},
            LIVER: {
                "local": {"config": "models/liver_demo/config_aiaa.json", "data": "models/liver_demo/model.ts"},
                "servers": ["main"],
            },
        },
        "xnat": {"username": "admin", "password_env": "XNAT_PASSWORD"},
        "registrations": {"projects": {"LIVER": "main", "SPLEEN": "main"}},
        "sandbox": {"xnat": {"port": free_port(), "projects": ["LIVER", "SPLEEN"]}},
    }


@pytest.fixture(scope="module")
def deployment(engine_with_image: docker.DockerClient) -> Iterator[Deployment]:
    """Brought up once; each test changes one thing more and leaves it so."""
    del engine_with_image
    wanted = settings()
    with pulumi_stack(wanted, name=NAME, env={"XNAT_PASSWORD": "admin"}) as stack:
        stack.up()
        yield Deployment(stack, wanted)


def test_a_project_gets_segmentations_that_triton_computes_with_the_uploaded_model(deployment: Deployment) -> None:
    assert deployment.labelled(LIVER) == 1000
    assert deployment.labelled(SPLEEN) == 2000
    assert deployment.list_in_xnat("LIVER") == [deployment.aiaa]
    assert url_used(deployment.list_in_xnat("LIVER"), None) == deployment.aiaa


def test_outputs_tell_other_stacks_what_there_is(deployment: Deployment) -> None:
    outputs = deployment.stack.outputs()
    assert outputs["servers"]["main"] == {
        "url": deployment.aiaa,
        "browser_url": deployment.aiaa,
        "runtime": "clara-4.0",
    }
    assert outputs["models"][f"main/{LIVER}"] == {"type": "segmentation", "labels": ["liver"], "version": "1"}
    assert outputs["registrations"] == {"projects/LIVER": [deployment.aiaa], "projects/SPLEEN": [deployment.aiaa]}


def test_straight_after_there_is_nothing_to_change_and_nothing_has_drifted(deployment: Deployment) -> None:
    deployment.stack.require_no_changes()


def test_what_was_changed_by_hand_is_shown_by_a_refresh_and_repaired_by_the_next_run(deployment: Deployment) -> None:
    assert requests.delete(f"{deployment.aiaa}/admin/model/{LIVER}", timeout=30).ok
    lists = f"{deployment.stack.outputs()['xnat']['url']}/xapi/ohifaiaa/projects/LIVER/servers"
    assert requests.put(lists, json=["http://elsewhere.example.org"], auth=("admin", "admin"), timeout=10).ok
    deployment.stack.refresh()
    preview = deployment.stack.preview()
    assert preview.changes == {
        f"Model main/{LIVER}": "create",
        f"SmokeTest main/{LIVER}": "update",
        "AiaaServers projects/LIVER": "update",
    }
    deployment.stack.up()
    assert deployment.labelled(LIVER) == 1000
    assert deployment.list_in_xnat("LIVER") == [deployment.aiaa]
    deployment.stack.require_no_changes()


def test_another_model_file_changes_that_model_only_and_its_masks(deployment: Deployment) -> None:
    folder = deployment.stack.folder
    shutil.copy(folder / BOTH_BOXES, folder / "models" / "liver_demo" / "model.ts")
    preview = deployment.stack.preview()
    assert preview.changes == {f"Model main/{LIVER}": "update", f"SmokeTest main/{LIVER}": "update"}
    assert preview.properties[f"Model main/{LIVER}"] == {"weights_digest"}
    deployment.stack.up()
    assert deployment.labelled(LIVER) == 2000
    deployment.stack.require_no_changes()


def test_another_ngc_version_changes_that_model_only_and_its_masks(deployment: Deployment) -> None:
    deployment.change(lambda wanted: wanted["models"][SPLEEN]["ngc"].update(version="2"))
    preview = deployment.stack.preview()
    assert preview.changes == {f"Model main/{SPLEEN}": "update", f"SmokeTest main/{SPLEEN}": "update"}
    assert preview.properties[f"Model main/{SPLEEN}"] == {"ngc_version"}
    before = deployment.uploads()
    deployment.stack.up()
    assert deployment.uploads() == [*before, f"/admin/model/{SPLEEN}"]
    deployment.stack.require_no_changes()


def test_another_server_for_a_project_changes_its_list_only(deployment: Deployment) -> None:
    deployment.change(lambda wanted: wanted["registrations"]["projects"].update(SPLEEN="second"))
    preview = deployment.stack.preview()
    # Nobody was told of the second server before: whether browsers can use it is looked at first.
    assert preview.changes == {"AiaaServers projects/SPLEEN": "update", "BrowserCheck second": "create"}
    assert preview.properties["AiaaServers projects/SPLEEN"] == {"urls"}
    deployment.stack.up()
    second = f"http://127.0.0.1:{deployment.settings['servers']['second']['port']}"
    assert deployment.list_in_xnat("SPLEEN") == [second]
    assert deployment.list_in_xnat("LIVER") == [deployment.aiaa]
    deployment.stack.require_no_changes()


def test_another_port_moves_the_server_uploads_no_model_and_one_may_be_taken_out_meanwhile(
    deployment: Deployment,
) -> None:
    def move_and_take_out(wanted: dict[str, Any]) -> None:
        wanted["servers"]["main"].update(port=free_port())
        del wanted["models"][SPLEEN]

    deployment.change(move_and_take_out)
    preview = deployment.stack.preview()
    assert preview.changes == {
        "HostCheck main": "update",
        "Container main-aiaa": "replace",
        "Endpoint main": "update",
        f"Model main/{LIVER}": "update",
        f"Model main/{SPLEEN}": "delete",
        f"SmokeTest main/{LIVER}": "update",
        f"SmokeTest main/{SPLEEN}": "delete",
        "BrowserCheck main": "update",
        "AiaaServers projects/LIVER": "update",
    }
    assert preview.properties["Container main-aiaa"] == {"ports[0].external"}
    assert preview.properties[f"Model main/{LIVER}"] == {"url"}
    assert preview.properties["AiaaServers projects/LIVER"] == {"urls"}
    deployment.stack.up()
    assert deployment.uploads() == []
    assert deployment.listed() == [LIVER]
    assert deployment.labelled(LIVER) == 2000
    assert deployment.list_in_xnat("LIVER") == [deployment.aiaa]
    deployment.stack.require_no_changes()


def test_a_registration_that_leaves_the_stack_file_leaves_xnat(deployment: Deployment) -> None:
    deployment.change(lambda wanted: wanted["registrations"]["projects"].pop("SPLEEN"))
    # The check of what registrations need covers the projects that there are.
    assert deployment.stack.preview().changes == {
        "AiaaServers projects/SPLEEN": "delete",
        "BrowserCheck second": "delete",
        "Access xnat": "update",
    }
    deployment.stack.up()
    assert deployment.list_in_xnat("SPLEEN") == []
    assert deployment.list_in_xnat("LIVER") == [deployment.aiaa]


def test_destroy_leaves_nothing_on_the_engine(deployment: Deployment, engine_with_image: docker.DockerClient) -> None:
    prefix = f"xnat-aiaa-{NAME}-"
    engine = engine_with_image
    assert [name for name in named(engine) if name.startswith(prefix)]
    deployment.stack.destroy()
    assert [name for name in named(engine) if name.startswith(prefix)] == []


def named(engine: docker.DockerClient) -> list[str]:
    """Containers, networks, volumes and images' tags."""
    names = [container.name for container in engine.containers.list(all=True)]
    names += [network.name for network in engine.networks.list()] + [volume.name for volume in engine.volumes.list()]
    return [str(name) for name in names] + [tag for image in engine.images.list() for tag in image.tags]
