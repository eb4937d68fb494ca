"""In a wheel the four upper floors lie inside `i2s_trt`: names as general as theirs would collide with other people's.

`i2s_trt/entry.py` puts that folder on the search path, so that they are imported by the same names as in a checkout.
"""

from setuptools import find_packages, setup

FLOORS = ("cli", "benchmarks", "engines", "export")
DEVELOPERS = ("benchmarks.judge*", "benchmarks.first_run*")
upper = find_packages(include=[f"{floor}*" for floor in FLOORS], exclude=DEVELOPERS)

setup(
    packages=[*find_packages(include=["i2s_trt*"]), *(f"i2s_trt.floors.{name}" for name in upper)],
    package_dir={f"i2s_trt.floors.{floor}": floor for floor in FLOORS},
)
