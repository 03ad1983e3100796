"""The shape of a stack file: typed, validated models, and every rule that can be checked without a network."""

from settings.errors import SettingsError
from settings.models import LocalSource, Model, NgcAccount, PinnedFile
from settings.registries import Registry
from settings.sandbox import Sandbox, SandboxXnat
from settings.servers import Healthcheck, Images, Server
from settings.stack import NAMESPACE, Settings
from settings.viewer_plugin import ViewerPlugin
from settings.xnat import Registrations, Xnat

__all__ = [
    "NAMESPACE",
    "Healthcheck",
    "Images",
    "LocalSource",
    "Model",
    "NgcAccount",
    "PinnedFile",
    "Registrations",
    "Registry",
    "Sandbox",
    "SandboxXnat",
    "Server",
    "Settings",
    "SettingsError",
    "ViewerPlugin",
    "Xnat",
]
