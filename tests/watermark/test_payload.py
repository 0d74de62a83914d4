"""Message layout and check sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.watermark.payload import (
    CHECK_BITS,
    LONG,
    PROFILES,
    SHORT,
    Profile,
    build_message,
    check_payload,
    crc24,
    from_bits,
    read_messages,
    to_bits,
)

payloads = st.integers(0, 2**60 - 1)
secrets = st.binary(min_size=32, max_size=32)
profiles = st.sampled_from(PROFILES)


@given(payloads)
def test_bits_round_trip(value: int) -> None:
    assert from_bits(to_bits(value, 60)) == value


@given(payloads, st.integers(0, 15), secrets, profiles)
def test_message_round_trip(value: int, generation: int, secret: bytes, profile: Profile) -> None:
    message = build_message(value, generation, secret, profile)
    assert message.shape == (profile.message_bits,)
    low = value & ((1 << profile.payload_bits) - 1)
    assert read_messages(message[None], generation, secret, profile) == (0, low)


@given(payloads, secrets, profiles, st.data())
def test_a_wrong_bit_is_noticed(
    value: int, secret: bytes, profile: Profile, data: st.DataObject
) -> None:
    message = build_message(value, 3, secret, profile)
    message[data.draw(st.integers(0, len(message) - 1))] ^= 1
    assert read_messages(message[None], 3, secret, profile) is None


@given(payloads, secrets, secrets)
def test_another_secret_does_not_fit(value: int, mine: bytes, other: bytes) -> None:
    message = build_message(value, 0, mine, LONG)
    read = read_messages(message[None], 0, other, LONG)
    assert (read is not None) == (mine == other)


def test_the_first_right_candidate_is_taken() -> None:
    secret = bytes(32)
    right = build_message(77, 0, secret, SHORT)
    wrong = right.copy()
    wrong[5] ^= 1
    assert read_messages(np.stack([wrong, right]), 0, secret, SHORT) == (1, 77)


def test_no_candidates_give_nothing() -> None:
    empty = np.empty((0, SHORT.message_bits), np.uint8)
    assert read_messages(empty, 0, bytes(32), SHORT) is None


def test_crc_agrees_with_the_published_check_value() -> None:
    # CRC-24/OPENPGP of "123456789" is 21CF02 with initial value B704CE; a zero initial value
    # gives the same once the initial value is added to the first three bytes.
    message = bytearray(b"123456789")
    for i, byte in enumerate(bytes.fromhex("B704CE")):
        message[i] ^= byte
    assert crc24(np.unpackbits(np.frombuffer(bytes(message), np.uint8))) == 0x21CF02
    assert CHECK_BITS == 24


@pytest.mark.parametrize("value", [True, 1.5, "1", None])
def test_payload_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        check_payload(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-1, 2**60])
def test_payload_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="60"):
        check_payload(value)
