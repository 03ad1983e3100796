"""Make the demonstration models: tiny TorchScript files that stand for trained networks.

Run from the repository's root where PyTorch 1.13 is, for example in the sandbox image::

    python3 models/make_demo_models.py

It writes ``models/liver_demo/model.ts`` and ``sandbox/ngc/models/*.ts``; the same PyTorch writes the same bytes.
Every model takes a batch (N, C, ...) of float32 and returns logits. What they compute is simple enough to check by eye:

segmentation  a voxel whose mean over the input channels lies in a band belongs to that band's label
annotation    the ellipsoid within the box of the points (channel 1 is 1 at each point)
deepgrow      voxels as bright as the foreground points (channel 1), away from background points (channel 2)
classification  one logit from the mean brightness
"""

import io
import zipfile
from pathlib import Path

import torch  # type: ignore[import-not-found, unused-ignore]

ROOT = Path(__file__).resolve().parent.parent
NGC = ROOT / "sandbox" / "ngc" / "models"


class Bands(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Logits for background and one label per band [low, high) of brightness, 0 to 1."""

    def __init__(self, *bands: tuple[float, float]) -> None:
        super().__init__()
        self.low = [low for low, _ in bands]
        self.high = [high for _, high in bands]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        brightness = image.mean(1, keepdim=True)
        labels = [torch.full_like(brightness, -8.0)]
        for low, high in zip(self.low, self.high):  # noqa: B905 - TorchScript knows no strict
            labels.append(torch.where((brightness >= low) & (brightness < high), 16.0, -16.0))
        return torch.cat(labels, 1)


class Ellipsoid(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Logits of the ellipsoid that touches the box around the points in channel 1."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        points = torch.nonzero(image[0, 1] > 0.9).to(torch.float32)
        low, high = points.min(0)[0], points.max(0)[0]
        centre, radius = (low + high) / 2, (high - low) / 2 + 0.5
        distance = torch.zeros_like(image[:, :1])
        for axis in range(image.dim() - 2):
            shape = [1] * image.dim()
            shape[axis + 2] = image.size(axis + 2)
            index = torch.arange(image.size(axis + 2)).to(torch.float32)
            distance = distance + (((index - centre[axis]) / radius[axis]) ** 2).reshape(shape)
        return torch.where(distance <= 1.0, 8.0, -8.0)


class Similar(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Logits of what is as bright as the foreground points, where no background point is near."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seeds = image[:, 1:2] > 0.9
        brightness = image[:, :1]
        wanted = brightness[seeds].mean()
        alike = ((brightness - wanted).abs() < 0.1) & (image[:, 2:3] < 0.1)
        return torch.where(alike, 8.0, -8.0)


class Brightness(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """One logit: positive for an image brighter than half."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image.flatten(1).mean(1, keepdim=True) - 0.5) * 8.0


MODELS = {
    ROOT / "models" / "liver_demo" / "model.ts": Bands((0.40, 0.60)),
    NGC / "segmentation_1to1.ts": Bands((0.40, 0.70)),
    NGC / "segmentation_1to1_v2.ts": Bands((0.50, 0.70)),
    NGC / "segmentation_1to2.ts": Bands((0.40, 0.55), (0.55, 0.70)),
    NGC / "segmentation_2to2.ts": Bands((0.30, 0.50), (0.50, 0.80)),
    NGC / "segmentation_4to3.ts": Bands((0.30, 0.45), (0.45, 0.60), (0.60, 0.80)),
    NGC / "annotation.ts": Ellipsoid(),
    NGC / "deepgrow.ts": Similar(),
    NGC / "classification.ts": Brightness(),
}


def save(module: torch.nn.Module, path: Path) -> None:
    """Save as TorchScript, without the debug records: they name the folder that this script happens to stand in."""
    saved = io.BytesIO()
    torch.jit.save(torch.jit.script(module), saved)
    with zipfile.ZipFile(saved) as whole, zipfile.ZipFile(path, "w") as slim:
        for name in whole.namelist():
            if not name.endswith(".debug_pkl"):
                slim.writestr(zipfile.ZipInfo(f"model/{name.partition('/')[2]}"), whole.read(name))


def main() -> None:
    for path, module in MODELS.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        save(module, path)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
