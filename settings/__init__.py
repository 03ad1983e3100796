"""The shape of a stack file: typed, validated models, and every rule that can be checked without a network."""

from settings.errors import SettingsError
from settings.models import Model
from settings.sandbox import Sandbox, SandboxXnat
from settings.servers import Healthcheck, Images, Server
from settings.stack import NAMESPACE, Settings
from settings.xnat import Registrations, Xnat

__all__ = [
    "NAMESPACE",
    "Healthcheck",
    "Images",
    "Model",
    "Registrations",
    "Sandbox",
    "SandboxXnat",
    "Server",
    "Settings",
    "SettingsError",
    "Xnat",
]
