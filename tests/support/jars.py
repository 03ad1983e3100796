"""Small jars like those of XNAT's plugins: a table of contents, a class, and what XNAT's scan for plugins reads.

The scan is of `META-INF/xnat/**/*-plugin.properties` (NrgXnat/xnat, libs/framework, XnatPluginBeanManager.java).
"""

from __future__ import annotations

import io
import zipfile

JAVA_8, JAVA_21 = 52, 65  # class file versions (https://docs.oracle.com/javase/specs/jvms/se21/html/jvms-4.html)


def viewer_jar(version: str, *, java: int = JAVA_8) -> bytes:
    """The OHIF viewer plugin, with a class of EtherJ in it, as the real fat jar has.

    Args:
        java: what its classes need at least.
    """
    properties = f"id=ohifViewerPlugin\nname=XNAT OHIF Viewer Plugin\nversion={version}\n"
    return jar(
        {
            "META-INF/xnat/ohifViewerPlugin-plugin.properties": properties,
            "org/nrg/xnatx/plugins/ohifviewer/OhifViewerPlugin.class": class_file(java),
            "icr/etherj/dicom/DicomToolkit.class": class_file(java),
        }
    )


def plugin_jar(id_: str, *, has_etherj: bool = False) -> bytes:
    """Another plugin."""
    files: dict[str, str | bytes] = {f"META-INF/xnat/{id_}-plugin.properties": f"id={id_}\nname={id_}\nversion=1.0.0\n"}
    if has_etherj:
        files["icr/etherj/dicom/DicomToolkit.class"] = class_file(JAVA_8)
    return jar(files)


def jar(files: dict[str, str | bytes]) -> bytes:
    """The same bytes for the same files, whenever it is made."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n", **files}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return made.getvalue()


def class_file(java: int) -> bytes:
    """Its head: the magic number, and the version."""
    return b"\xca\xfe\xba\xbe\x00\x00" + java.to_bytes(2, "big")
