"""The base class of all settings."""

from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CONDUIT_"
ENV_FILE = ".env"


class ModuleSettings(BaseSettings):
    """Settings read from the environment, then from `.env`: field `x` is `CONDUIT_X`.

    Every field has a default and a description, from which the README's table is generated.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True)
