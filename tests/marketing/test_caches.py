"""The shared cache keeps its clients. Nobody has to be at the other end for that."""

from marketing.caches import RedisCache

HERE = "redis://127.0.0.1:1/0"


def test_every_command_goes_through_the_same_client():
    client = RedisCache(HERE, {})._cache
    assert client.get_client("a") is client.get_client("b", write=True)


def test_reading_and_writing_have_their_own_servers():
    client = RedisCache([HERE, "redis://127.0.0.1:1/1"], {})._cache
    reader, writer = client.get_client("a"), client.get_client("a", write=True)
    assert [one.connection_pool.connection_kwargs["db"] for one in (reader, writer)] == [1, 0]
    assert client.get_client("b") is reader


def test_two_caches_have_two_clients():
    assert RedisCache(HERE, {})._cache.get_client() is not RedisCache(HERE, {})._cache.get_client()
