"""Threads of their own for what waits for strangers: names that nobody answers for, mail servers that fall silent.

The process has few others, and they open connections to the database and compare passwords.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_THREADS = ThreadPoolExecutor(32, thread_name_prefix="outside")
P = ParamSpec("P")
T = TypeVar("T")


async def outside(work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """``asyncio.to_thread``, apart from the others."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *args, **more))
