"""Image files: NIfTI through nibabel, NRRD through pynrrd, PNG and JPEG through Pillow.

In memory a volume is (i, j, k) voxels and an RAS affine. A picture is (row, column), as Pillow gives it: NVIDIA's MITK
plugin swaps x and y of polygons where the image is a PNG (mitk-plugin/.../NvidiaSmartPolySegTool2D.cpp).
"""

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import nrrd  # type: ignore[import-untyped, unused-ignore]
import numpy as np
import numpy.typing as npt
import PIL.Image

from sandbox.aiaa.errors import AIAAException

EXTENSIONS = (".nii.gz", ".nrrd", ".nii", ".png")
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_NIFTI_CLASSES = {348: nib.Nifti1Image, 540: nib.Nifti2Image}  # by the header size that the file begins with
_GZIP, _PNG, _JPEG = b"\x1f\x8b", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_DICOM, _DICOM_AT = b"DICM", 128


@dataclass(frozen=True)
class Image:
    """Voxels indexed (i, j[, k[, channel]]) and the 4x4 affine that takes (i, j, k) to RAS millimetres.

    axes       how many of the voxels' axes are spatial; a channel axis may follow
    extension  the format of a result for this image, where the request does not name one
    """

    voxels: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]
    axes: int = 3
    extension: str = ".nii.gz"


def read(path: Path) -> Image:
    """Read an image by its content: clients give files all sorts of names. Raises AIAAException if it is none."""
    if path.is_dir():
        raise AIAAException("INVALID_INPUT", "several files, or a DICOM series, cannot be read as one image here")
    content = path.read_bytes()
    if content.startswith(b"NRRD"):
        return _read_nrrd(path)
    if content.startswith((_PNG, _JPEG)):
        return _read_picture(content, path.name)
    if content[_DICOM_AT:].startswith(_DICOM):
        raise AIAAException("INVALID_INPUT", f"{path.name} is a DICOM file, which is not read here")
    if content.startswith(_GZIP):
        content = _unpacked(content, path.name)
    sizes = {int.from_bytes(content[:4], "little"), int.from_bytes(content[:4], "big")}
    for size in sizes & set(_NIFTI_CLASSES):
        image = _NIFTI_CLASSES[size].from_bytes(content)
        return Image(np.asarray(image.dataobj), np.asarray(image.affine, np.float64))
    raise AIAAException("INVALID_INPUT", f"{path.name} is neither NIfTI, NRRD, PNG nor JPEG")


def write(image: Image, extension: str, *, compress: bool = True) -> bytes:
    """The file's bytes. ``compress`` is about NRRD: a NIfTI file's extension says whether it is compressed."""
    if extension == ".nrrd":
        return _write_nrrd(image, compress=compress)
    if extension == ".png":
        return _write_png(image)
    if extension not in EXTENSIONS:
        raise AIAAException("INVALID_INPUT", f"result_extension {extension!r} is not one of {', '.join(EXTENSIONS)}")
    content: bytes = nib.Nifti1Image(image.voxels, image.affine).to_bytes()  # type: ignore[no-untyped-call]
    return gzip.compress(content, mtime=0) if extension == ".nii.gz" else content


def without_channels(image: Image) -> npt.NDArray[Any]:
    """The voxels of a mask: of one with channels, as a picture in colours, those that are set in any."""
    return np.asarray(image.voxels.any(axis=-1)) if image.voxels.ndim > image.axes else image.voxels


def _unpacked(content: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise AIAAException("INVALID_INPUT", f"{name} cannot be uncompressed: {error}") from None


def _read_picture(content: bytes, name: str) -> Image:
    try:
        with PIL.Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            # Those of a picture with a palette are indices into that.
            voxels = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise AIAAException("INVALID_INPUT", f"{name} cannot be read: {error}") from None
    return Image(voxels.astype(np.uint8) if voxels.dtype == bool else voxels, np.eye(4), axes=2, extension=".png")


def _write_png(image: Image) -> bytes:
    plane = image.voxels[..., 0] if image.voxels.ndim == 3 and image.voxels.shape[2] == 1 else image.voxels
    if plane.ndim != 2:
        raise AIAAException("INVALID_INPUT", f"a result of shape {plane.shape} cannot be written as PNG")
    file = io.BytesIO()
    PIL.Image.fromarray(plane.astype(np.uint8 if plane.max(initial=0) < 256 else np.uint16)).save(file, "PNG")
    return file.getvalue()


def _read_nrrd(path: Path) -> Image:
    voxels, header = nrrd.read(str(path), index_order="F")
    affine = np.eye(4)
    directions = np.asarray(header.get("space directions", np.diag(header.get("spacings", np.ones(voxels.ndim)))))
    spatial = directions[~np.isnan(directions).any(axis=-1)]
    affine[: spatial.shape[1], : spatial.shape[0]] = spatial.T
    origin = np.asarray(header.get("space origin", np.zeros(spatial.shape[1])))
    affine[: len(origin), 3] = origin
    if header.get("space", "left-posterior-superior").lower() in ("left-posterior-superior", "lps"):
        affine = _LPS_TO_RAS @ affine
    return Image(voxels, affine)


def _write_nrrd(image: Image, *, compress: bool) -> bytes:
    affine = _LPS_TO_RAS @ image.affine
    header = {
        "space": "left-posterior-superior",
        "kinds": ["domain"] * image.voxels.ndim,
        "space directions": affine[:3, : image.voxels.ndim].T,
        "space origin": affine[:3, 3],
        "encoding": "gzip" if compress else "raw",
    }
    file = io.BytesIO()
    nrrd.write(file, image.voxels, header, index_order="F")
    return file.getvalue()
