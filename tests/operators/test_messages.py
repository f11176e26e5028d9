"""Whatever a process may print is a message, or refused in words."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.messages import Message, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.text() | json_values.map(json.dumps))
def test_any_line_is_a_message_or_a_job_error(line):
    with suppress(JobError):
        assert isinstance(parse(line), Message)


@given(
    st.sampled_from(["STATUS", "PROGRESS", "WARN", "ERROR", "DONE"]),
    st.dictionaries(
        st.sampled_from(
            [
                "text",
                "step",
                "steps",
                "losses",
                "seconds",
                "share",
                "previews",
                "textures",
                "what",
                "why",
                "cure",
            ]
        ),
        json_values,
    ),
)
def test_any_message_of_a_known_type_is_read_or_refused(kind, parts):
    with suppress(JobError):
        assert isinstance(parse(json.dumps({"type": kind, **parts})), Message)
