"""Hypothesis profiles for every test directory: `ci`, `dev` or `deep`, chosen by HYPOTHESIS_PROFILE."""

import os

from hypothesis import HealthCheck, settings

# No deadline and no speed check: whether a test passes must not depend on how fast the machine is.
_UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("ci", max_examples=50, derandomize=True, database=None, print_blob=True, **_UNTIMED)
settings.register_profile("dev", max_examples=50, **_UNTIMED)
settings.register_profile("deep", max_examples=2000, print_blob=True, **_UNTIMED)

_ON_CI = os.environ.get("CI", "").lower() in ("1", "true")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if _ON_CI else "dev"))
