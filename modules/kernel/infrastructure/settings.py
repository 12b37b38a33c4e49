"""What all settings classes share."""

from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CONDUIT_"
ENV_FILE = ".env"


class ModuleSettings(BaseSettings):
    """Settings read from the environment, then from `.env`: field `x` is `CONDUIT_X`.

    Every field has a default and a description; the README's table is made of them.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True)
