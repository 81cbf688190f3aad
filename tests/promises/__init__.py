"""What the tracer promises to those who let it watch: each file here holds one promise."""

import pytest

pytest.register_assert_rewrite("tests.promises.comparing")
