"""`registries.<host>`: log-ins for the registries of images."""

from __future__ import annotations

from settings.password import WithPassword
from settings.values import Text

NGC = "nvcr.io"  # NVIDIA's registry
NGC_USER = "$oauthtoken"


class Registry(WithPassword):
    """The account that a Docker engine pulls images with. For NVIDIA's registry the password is an NGC key."""

    username: Text

    def read_password(self, host: str) -> str:
        """The password as it is now.

        Args:
            host: the registry's, which is this one's key in the stack file.

        Raises:
            SettingsError: the variable is not set, or the file cannot be read or is empty.
        """
        return self.password_at(f"registries.{host}")
