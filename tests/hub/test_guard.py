import ipaddress
from collections.abc import Sequence

import pytest

from core import PeerError
from hub.guard import Guard, is_public

HIDDEN = [
    *(
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
    ),
    *("224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.88.99.1", "168.63.129.16"),
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "fec0::1", "2001:db8::1"),
    *(
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ),
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", HIDDEN)
def test_an_address_that_is_no_public_host_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_host_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def resolving(*addresses: str) -> Guard:
    return Guard(resolve=lambda _host, _port: addresses)


@pytest.mark.parametrize("address", HIDDEN)
def test_a_name_that_resolves_to_it_is_rejected(address: str) -> None:
    with pytest.raises(PeerError) as error:
        resolving(address).vet("https://shop.example/hook")
    assert error.value.kind == "rejected"
    assert address not in error.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
    ],
)
def test_every_spelling_of_loopback_is_rejected_with_the_resolver_of_the_machine(url: str) -> None:
    with pytest.raises(PeerError):
        Guard().vet(url)


def test_of_several_addresses_only_those_that_are_public_are_called() -> None:
    target = resolving("10.0.0.1", "93.184.216.34", "93.184.216.34").vet("https://shop.example/hook?a=b")
    assert target.addresses == ("93.184.216.34",)
    assert (target.scheme, target.host, target.port) == ("https", "shop.example", 443)


@pytest.mark.parametrize("url", ["http://shop.example:80/", "https://shop.example:443/", "http://shop.example:443/"])
def test_the_ports_of_the_web_are_open(url: str) -> None:
    assert resolving("93.184.216.34").vet(url).addresses


@pytest.mark.parametrize("port", [22, 25, 6379, 8080])
def test_other_ports_are_not(port: int) -> None:
    with pytest.raises(PeerError, match="port"):
        resolving("93.184.216.34").vet(f"http://shop.example:{port}/")


def test_a_network_of_the_allow_list_is_let_through_on_any_port_and_no_other() -> None:
    guard = Guard(allow=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")))
    assert guard.vet("http://10.1.2.3:9000/").addresses == ("10.1.2.3",)
    assert guard.vet("http://[fd00::1]:9000/").addresses == ("fd00::1",)
    assert guard.vet("http://[::ffff:10.1.2.3]:9000/").addresses == ("10.1.2.3",)
    with pytest.raises(PeerError):
        guard.vet("http://127.0.0.1:9000/")


def test_a_target_is_of_a_named_network_when_all_its_addresses_are() -> None:
    allow = (ipaddress.ip_network("10.0.0.0/8"),)
    for addresses, named in (
        (("10.1.2.3",), True),
        (("10.1.2.3", "93.184.216.34"), False),
        (("93.184.216.34",), False),
    ):
        guard = Guard(allow=allow, resolve=resolving(*addresses).resolve)
        assert guard.names(guard.vet("http://shop.example/")) == named


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "shop.example",
            "ftp://shop.example/",
            "file:///etc/passwd",
            "http://",
            "http:///path",
            "//shop.example/",
        ),
        *(
            "http://user@shop.example/",
            "http://user:password@shop.example/",
            "http://shop.example:0/",
            "http://shop.example:99999/",
        ),
        *(
            "http://shop.example/a b",
            "http://shop.example/\r\nHost: x",
            "http://[::1/",
            "http://shop.example/" + "a" * 2048,
        ),
    ],
)
def test_what_is_no_plain_address_of_the_web_is_rejected_before_any_look_up(url: str) -> None:
    def never(_host: str, _port: int) -> Sequence[str]:
        raise AssertionError("looked up")

    with pytest.raises(PeerError) as error:
        Guard(resolve=never).vet(url)
    assert error.value.kind == "rejected"


@pytest.mark.parametrize("failure", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_without_an_address_is_unavailable_not_rejected(failure: Exception) -> None:
    def fails(_host: str, _port: int) -> Sequence[str]:
        raise failure

    with pytest.raises(PeerError) as error:
        Guard(resolve=fails).vet("https://nobody.example/")
    assert error.value.kind == "unavailable"
