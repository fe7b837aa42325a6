"""Stream tokens over a dictionary in Redis's place; with a real Redis they are tried in gateway/test_token."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.exceptions import TokenRefused
from progress_app.tokens import MAX_TOKEN_LENGTH, TOKEN_BYTES, Grant, issue, key, mint, redeem

CHANNELS = ("tasks", "user-7")


class Store:
    """Keeps values, gives each once, and writes down what it was asked."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.seconds: list[int] = []
        self.asked: list[str] = []

    def keep(self, name: str, value: bytes, seconds: int) -> None:
        self.kept[name] = value
        self.seconds.append(seconds)

    async def take(self, name: str) -> bytes | None:
        self.asked.append(name)
        return self.kept.pop(name, None)


@pytest.fixture
def store() -> Store:
    return Store()


def given_token(store: Store, *, prefix: str = "shop", transport: str = "sse") -> str:
    return issue(store.keep, prefix=prefix, user=7, channels=CHANNELS, ttl_s=60, transport=transport)


def test_a_token_is_256_random_bits_that_can_stand_in_a_url() -> None:
    made = {mint() for _ in range(200)}
    assert len(made) == 200
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in made} == {TOKEN_BYTES} == {32}
    assert max(map(len, made)) <= MAX_TOKEN_LENGTH


def test_only_its_hash_is_kept_and_only_for_a_while(store: Store) -> None:
    token = given_token(store)
    [(name, value)] = store.kept.items()
    assert name == f"shop:token:{hashlib.sha256(token.encode()).hexdigest()}"
    assert token not in name
    assert token.encode() not in value
    assert store.seconds == [60]


async def test_it_grants_what_it_was_made_for_and_nothing_else(store: Store) -> None:
    token = given_token(store)
    grant = await redeem(store.take, prefix="shop", token=token)
    assert grant == Grant(user="7", channels=CHANNELS, transport="sse")


async def test_it_is_spent_by_its_first_use(store: Store) -> None:
    token = given_token(store)
    await redeem(store.take, prefix="shop", token=token)
    with pytest.raises(TokenRefused):
        await redeem(store.take, prefix="shop", token=token)


async def test_it_is_spent_also_by_a_use_for_another_transport(store: Store) -> None:
    token = given_token(store, transport="pusher")
    for transport in ("sse", "pusher"):
        with pytest.raises(TokenRefused):
            await redeem(store.take, prefix="shop", token=token, transport=transport)


async def test_a_token_of_one_project_is_none_of_another_on_the_same_redis(store: Store) -> None:
    token = given_token(store, prefix="shop")
    with pytest.raises(TokenRefused):
        await redeem(store.take, prefix="bank", token=token)


@pytest.mark.parametrize("token", ["", "x" * (MAX_TOKEN_LENGTH + 1), "x" * 1_000_000])
async def test_what_cannot_be_a_token_is_refused_without_asking_redis(store: Store, token: str) -> None:
    with pytest.raises(TokenRefused):
        await redeem(store.take, prefix="shop", token=token)
    assert store.asked == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
async def test_garbage_is_refused_and_its_key_has_one_form(token: str) -> None:
    store = Store()
    with pytest.raises(TokenRefused):
        await redeem(store.take, prefix="shop", token=token)
    assert all(asked == key("shop", token) and len(asked) == len("shop:token:") + 64 for asked in store.asked)
