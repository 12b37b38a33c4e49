"""What users adds to the official API."""

from tests.api_additions import AUTHENTICATED, OTHER, OWNER, Access, Additions
from tests.client import PASSWORD

NO_CONTENT = AUTHENTICATED | {OTHER: 204, OWNER: 204}

ADDITIONS = Additions(
    operations={
        "DeleteCurrentUser": Access(
            "DELETE /api/user", NO_CONTENT, success=204, body={"user": {"password": PASSWORD}}
        ),
        "ExportCurrentUser": Access("GET /api/user/export", AUTHENTICATED),
        "LogOutEverywhere": Access("POST /api/user/logout-all", NO_CONTENT, success=204),
    },
    statuses={
        "UpdateCurrentUser": frozenset({409}),  # a username or e-mail is taken, as at registration
        "Login": frozenset({429}),  # too many attempts
        "CreateUser": frozenset({429}),  # too many registrations
    },
    parameters={"CreateUser": frozenset({"idempotency-key"})},
)
