"""A password of a stack file, and the three ways to give it."""

from __future__ import annotations

import os
from typing import Self

from pydantic import model_validator

from settings.errors import SettingsError, shown
from settings.strict import Strict
from settings.values import FilePath, Password, VariableName


class WithPassword(Strict):
    """Keys and values with a password: a secret of the stack file, an environment variable's, or a file's.

    The last two are read when the password is needed, so a new one takes effect without a deployment.
    """

    password: Password | None = None
    password_env: VariableName | None = None
    password_file: FilePath | None = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        ways = ("password", "password_env", "password_file")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            also = f", not {' and '.join(given)}" if given else ""
            raise ValueError(f"give exactly one of password (a secret), password_env or password_file{also}")
        return self

    def password_at(self, key: str) -> str:
        """The password as it is now.

        Args:
            key: the key in the stack file that holds these keys, for errors.

        Raises:
            SettingsError: the variable is not set, or the file cannot be read or is empty.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            value = os.environ.get(self.password_env, "")
            if not value:
                raise SettingsError(
                    f"{key}.password_env: the environment variable {self.password_env} is not set or empty: "
                    f"run `export {self.password_env}=...` first, where this command runs"
                )
            return value
        assert self.password_file is not None  # noqa: S101 - _one_password saw to it
        where = f"{key}.password_file: {shown(str(self.password_file))}"
        try:
            # Some editors begin a file with a byte order mark, which is not part of the password.
            value = self.password_file.read_text("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise SettingsError(
                f"{where} cannot be read ({error.strerror}): the user who runs this command needs to read it"
            ) from None
        except UnicodeDecodeError:
            raise SettingsError(f"{where} is not UTF-8 text: write the password into it again") from None
        if not value:
            raise SettingsError(f"{where} is empty: write the password into it")
        return value
