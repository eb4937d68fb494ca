"""What TensorRT logs: kept for error messages and inspections, and no more of it than that."""

import pytest

from engines.tensorrt.module import complaints, load_tensorrt, make_logger
from tests.engines.tensorrt.runtime_bench import RTX

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
ERROR, INFO, VERBOSE = 1, 3, 4


def test_an_engine_that_runs_for_weeks_does_not_fill_memory_with_what_it_logs() -> None:
    logger = make_logger(load_tensorrt(RTX))
    logger.log(ERROR, "out of memory long ago")
    for number in range(5000):
        logger.log(INFO, f"run {number}")
    logger.log(ERROR, "out of memory just now")
    assert len(logger.messages) <= 1000
    assert logger.messages[-2].text == "run 4999"
    assert complaints(logger) == "out of memory just now"


def test_of_the_verbose_messages_only_layers_are_kept() -> None:
    logger = make_logger(load_tensorrt(RTX))
    logger.log(VERBOSE, "trying a kernel")
    logger.log(VERBOSE, "Layers:\nName: one")
    assert [message.text for message in logger.messages] == ["Layers:\nName: one"]
