"""Many batches through one network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch

from alnlp import hardware

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    work: Callable[[Item], Result], items: Sequence[Item], *, together: bool
) -> Iterator[Result]:
    """The results of all items, as they come.

    Where the caller stops early, or an item fails, the items not begun are left out.

    Args:
        work: done to each item.
        items: what there is to do.
        together: whether several items may be worked on at a time. Then each of torch's threads
            takes one: a processor does more with batches of its own than with a share in each.
    """
    threads = min(hardware.threads(), len(items))
    if together and hardware.device() == "cpu" and threads > 1:
        yield from _side_by_side(work, items, threads)
    else:
        yield from map(work, items)


def _side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], threads: int
) -> Iterator[Result]:
    waiting: SimpleQueue[Item] = SimpleQueue()
    for item in items:
        waiting.put(item)
    done: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()
    stopped = threading.Event()

    def run() -> None:
        torch.set_num_threads(1)
        while not stopped.is_set():
            try:
                item = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put((work(item), None))
            except BaseException as error:  # raised where the results go
                stopped.set()
                done.put((None, error))

    before = torch.get_num_threads()
    runners = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    try:
        for runner in runners:
            runner.start()
        for _ in items:
            result, error = done.get()
            if error is not None:
                raise error
            yield result  # type: ignore[misc]
    finally:
        stopped.set()
        for runner in runners:
            if runner.ident is not None:
                runner.join()
        # A thread that sets its own number sets that of all threads to come.
        torch.set_num_threads(before)
