"""What a reference names, and which output of a model means "generated"."""

import numpy as np
import pytest

from assay.detector.hub.labels import generated_outputs, log_odds
from assay.detector.hub.references import parse
from assay.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "library", "repository", "revision"),
    [
        ("hf:org/name", "transformers", "org/name", ""),
        ("hf:org/na.me-2@abc123", "transformers", "org/na.me-2", "abc123"),
        ("timm:hf_hub:org/name@v1", "timm", "org/name", "v1"),
        ("timm:hf-hub:org/name", "timm", "org/name", ""),
    ],
)
def test_references(text, library, repository, revision):
    found = parse(text)
    assert (found.library, found.repository, found.revision) == (library, repository, revision)


@pytest.mark.parametrize("text", ["hf:", "hf:name", "hf:a/b/c", "timm:vit_tiny", "torch:x/y", ""])
def test_what_names_no_model_is_refused(text):
    with pytest.raises(ConfigurationError):
        parse(text)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["real", "fake"], (1,)),
        (["artificial", "human"], (0,)),
        (["Not AI-generated", "AI-generated"], (1,)),
        (["ai", "hum"], (0,)),
        (["REAL", "midjourney", "stable diffusion"], (1, 2)),
        (["Fake"], (0,)),
        (["real"], ()),
    ],
)
def test_the_generated_output_is_recognised_by_its_name(labels, expected):
    assert generated_outputs(labels) == expected


@pytest.mark.parametrize("labels", [["LABEL_0", "LABEL_1"], ["cat", "dog"], ["real", "human"]])
def test_names_that_do_not_tell_are_refused(labels):
    with pytest.raises(ConfigurationError, match="cannot be told") as caught:
        generated_outputs(labels)
    assert "--generated-label" in caught.value.advice


def test_a_chosen_output_is_taken_by_name_or_number():
    assert generated_outputs(["LABEL_0", "LABEL_1"], ["1"]) == (1,)
    assert generated_outputs(["LABEL_0", "LABEL_1"], ["LABEL_0"]) == (0,)
    with pytest.raises(ConfigurationError, match="no output"):
        generated_outputs(["LABEL_0", "LABEL_1"], ["fake"])


def test_log_odds_follow_the_softmax():
    logits = np.array([1.0, 2.0, -0.5])
    probability = np.exp(logits) / np.exp(logits).sum()
    expected = np.log(probability[1:].sum() / probability[0])
    assert log_odds(logits, (1, 2)) == pytest.approx(expected)
    assert log_odds(np.array([0.7]), ()) == -0.7
