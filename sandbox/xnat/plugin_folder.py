"""The folder of plugins: jars that Tomcat puts on XNAT's class path, once, at its start.

What is on it then stays loaded, whatever becomes of the folder. XNAT's plugins are those that a jar's
`META-INF/xnat/*-plugin.properties` names (NrgXnat/xnat, libs/framework, XnatPluginBeanManager.java). The web
application does not start at all with a jar that Java cannot read, with classes of a newer Java, with two jars of one
plugin, or with what the viewer plugin took in with 3.0 beside it
(https://bitbucket.org/icrimaginginformatics/ohif-viewer-xnat-plugin, README).
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

_TAKEN_IN = ("xnat-roi-0.", "xnat-roi-1.", "xnat-roi-2.")


class StartFailed(Exception):
    """In the words of XNAT's log."""


@dataclass(frozen=True)
class PluginFolder:
    """``java`` is the class file version that XNAT's Java can load at most."""

    folder: Path
    java: int

    def load(self) -> dict[str, str]:
        """Versions of the plugins by id; only what ends with .jar counts, and no subfolder does."""
        found: dict[str, str] = {}
        jars = sorted(path for path in self.folder.glob("*.jar") if path.is_file())
        for path in jars:
            for id_, version in self._plugins_of(path):
                if id_ in found:
                    raise StartFailed(
                        f"BeanDefinitionStoreException: {path.name} has plugin {id_}, which is there twice"
                    )
                found[id_] = version
        major = found.get("ohifViewerPlugin", "0").partition(".")[0]
        if int(major) >= 3 and (old := [path.name for path in jars if path.name.startswith(_TAKEN_IN)]):
            raise StartFailed(f"ConflictingBeanDefinitionException: {old[0]} has beans that ohifViewerPlugin has")
        return found

    def _plugins_of(self, path: Path) -> list[tuple[str, str]]:
        plugins = []
        try:
            with zipfile.ZipFile(path) as jar:
                for name in jar.namelist():
                    if name.endswith(".class") and (java := int.from_bytes(jar.read(name)[6:8], "big")) > self.java:
                        raise StartFailed(
                            f"UnsupportedClassVersionError: {name} in {path.name} was compiled by a more recent "
                            f"version of Java (class file version {java}.0), this one takes up to {self.java}.0"
                        )
                    if name.startswith("META-INF/xnat/") and name.endswith("-plugin.properties"):
                        lines = jar.read(name).decode().splitlines()
                        properties = dict(line.split("=", 1) for line in lines if "=" in line)
                        plugins.append((properties["id"], properties["version"]))
        except (OSError, zipfile.BadZipFile) as error:
            raise StartFailed(f"ZipException: {path.name}: {error}") from None
        return plugins
