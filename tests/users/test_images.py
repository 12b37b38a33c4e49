"""What a user's picture can be."""

import pytest

from modules.kernel.domain.errors import Invalid
from modules.users.domain.values import Image


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/jake.png",
        "HTTP://example.com/jake.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
    ],
)
def test_it_is_an_address_or_a_picture_itself(address: str) -> None:
    assert Image(f" {address} ").text == address


@pytest.mark.parametrize(
    "address",
    [
        "data:text/html;base64,PGI+",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "data:image/svg+xml;base64,PHN2Zz4='><script>",
        "data:image/png;base64,iVBO) ; color: red",
        "data:image/svg+xml;base64,",
        "data:image/gif;base64,R0lGODlh",
        "javascript:alert(1)//data:image/png;base64,iVBO",
        "data:image/png;base64," + "A" * 2_000,
    ],
)
def test_other_data_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="image"):
        Image(address)
