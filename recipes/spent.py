"""How long something took. Nothing of alnlp is needed here, so that peers can be timed as well."""

import time


class Spent:
    """How long something took: seconds of the clock, and of the processor by all threads."""

    seconds = processor = 0.0

    def __enter__(self) -> "Spent":
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        clock, processor = self._began
        self.seconds, self.processor = time.perf_counter() - clock, time.process_time() - processor
