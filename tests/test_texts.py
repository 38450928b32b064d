"""The texts on the screens: all there, in each language, and the right one shown."""

import re

import pytest

from alnlp_apps.workbench.texts import TEXTS, language


def test_each_text_that_the_modules_use_exists():

    from alnlp_apps.workbench.server import STATIC

    for path in STATIC.glob("*.js"):
        source = path.read_text(encoding="utf-8")
        screen = re.search(r"const t = texts\.(\w+);", source)
        if screen is None:
            continue
        for name in set(re.findall(r"\bt\.([a-z_]+)", source)):
            assert name in TEXTS["en"][screen[1]], f"{path.name}: t.{name}"


def _shape(texts):
    """The names of all texts, with the holes and the number of forms of each."""
    if isinstance(texts, dict):
        return {name: _shape(text) for name, text in texts.items()}
    if isinstance(texts, list):
        return [_shape(text) for text in texts]
    return set(re.findall(r"\{(\w+)\}", texts or ""))


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"en"}))
def test_a_translation_has_all_texts_with_their_holes(name):
    english, other = _shape(TEXTS["en"]), _shape(TEXTS[name])

    del other["said"]  # what comes from alnlp, which is English already
    assert other == english


def test_the_browser_says_which_language():
    assert language("de-CH,de;q=0.9,en;q=0.8") == language("DE") == language("de;q=1") == "de"
    assert language("") == language("*") == language("tlh;q=x") == language("de;q=0") == "en"


def test_of_the_languages_there_are_the_best_liked_one_is_shown():
    assert (
        language("fr, de") == language("fr,de;q=0.5") == language("fr;q=1.0, de-AT; q=0.1") == "de"
    )
    assert language("de;q=0.3,fr,en;q=0.8") == language("en,de") == "en"
    assert language("de;q=x,en;q=0.1") == "en"
