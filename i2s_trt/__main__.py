"""`python -m i2s_trt` is `i2s-trt`."""

from i2s_trt.entry import main

main()
