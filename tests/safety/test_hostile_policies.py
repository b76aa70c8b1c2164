"""Whatever a policy file holds, it is a policy, or one sentence says what is wrong."""

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from safety.policy.policy_file import PolicyError, load_policy
from tests.fuzzing import FUZZ

names = st.sampled_from(
    ["input", "output", "material", "email", "links", "allow", "judge", "workspaces", "channels"]
)
values = st.sampled_from(
    [
        '"block"',
        '"hold"',
        '"allow"',
        '"redact"',
        "1",
        "-1",
        "1e400",
        "nan",
        "true",
        "[]",
        '["*"]',
        "{}",
        "2026-01-01",
        '""',
        '"' + "x" * 300 + '"',
        "{ a = { b = 1 } }",
    ]
)
lines = st.one_of(
    st.lists(names, min_size=1, max_size=4).map(lambda path: f"[{'.'.join(path)}]"),
    st.tuples(names, values).map(" = ".join),
    st.text(max_size=20),
)


@settings(max_examples=150 * FUZZ, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(lines, max_size=8).map("\n".join))
@example("workspaces = 1")
@example("[channels]\nC1 = []")
@example("a = " + "[" * 2000)
def test_any_file_is_a_policy_or_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, errors="replace")
    try:
        said = load_policy(path).digest
    except PolicyError as error:
        said = str(error)
    assert said
