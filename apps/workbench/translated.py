"""The texts for Gradio's own components, which the browser puts into its language."""

from __future__ import annotations

from typing import Any

import gradio as gr

from alnlp_apps.workbench.texts import TEXTS


def _flat(screens: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        f"{screen}.{name}": text
        for screen, texts in screens.items()
        for name, text in texts.items()
        if isinstance(text, str)
    }


#: Gives a text by "screen.name", in the language of the browser.
TRANSLATED = gr.I18n(**{name: _flat(screens) for name, screens in TEXTS.items()})
