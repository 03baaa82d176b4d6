"""Runs calls in parallel. Only calls that read may run in parallel: the handler's thread makes every change."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, overload

MAX_THREADS = 8

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


@overload
def concurrently(first: Callable[[], T], second: Callable[[], U], /) -> tuple[T, U]: ...
@overload
def concurrently(first: Callable[[], T], second: Callable[[], U], third: Callable[[], V], /) -> tuple[T, U, V]: ...
@overload
def concurrently(*calls: Callable[[], T]) -> tuple[T, ...]: ...
def concurrently(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """The result of each call. The first one runs in this thread, the others in threads that end before this returns.

    If calls fail, the error of the first of them in argument order is raised.
    """
    if len(calls) < 2:
        return tuple(call() for call in calls)
    with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:
        others = [pool.submit(call) for call in calls[1:]]
        return (calls[0](), *(other.result() for other in others))
