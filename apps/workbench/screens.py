"""The page: Gradio's frame, tabs and form around panels that our own modules fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from alnlp_apps.workbench.new_project import new_project_screen
from alnlp_apps.workbench.panel import Panel
from alnlp_apps.workbench.translated import TRANSLATED
from alnlp_apps.workbench.workspace import Workspace

_STATIC = Path(__file__).parent / "static"
_STYLES = ("base", "canvas", "screens", "progress", "review", "data")
#: Uploaded files are looked for each hour and deleted after a day, and when the server ends.
_UPLOADS = (3600, 86400)
HEAD = "\n".join(
    [
        '<link rel="icon" href="/alnlp/static/icon.svg" type="image/svg+xml">',
        *(f'<link rel="stylesheet" href="/alnlp/static/{name}.css">' for name in _STYLES),
        # A screen that is looked at for the first time needs nothing of a server that has gone.
        '<link rel="modulepreload" href="/alnlp/texts.js">',
        *(
            f'<link rel="modulepreload" href="/alnlp/static/{module.name}">'
            for module in sorted(_STATIC.glob("*.js"))
        ),
    ]
)


def theme() -> gr.themes.Base:
    """A quiet theme: fonts of the system, one accent colour, nothing fetched from elsewhere."""
    made = gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    return made.set(
        body_background_fill="#f6f7f9",
        body_background_fill_dark="#14171c",
        button_primary_background_fill="#3b4fc4",
        button_primary_background_fill_hover="#2f40a6",
        button_primary_background_fill_dark="#4d63dd",
        button_primary_background_fill_hover_dark="#5d72e8",
        button_primary_text_color="white",
        button_large_radius="10px",
        block_border_width="0px",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_title_text_color="#1d2129",
        block_title_text_color_dark="#e8eaee",
        block_info_text_color="#5a6270",
        block_info_text_color_dark="#a3abb9",
        input_background_fill="white",
        input_background_fill_dark="#1d2128",
        input_border_width="1px",
        input_border_color="#868e9b",
        input_border_color_dark="#7f8896",
        input_radius="10px",
        checkbox_label_background_fill="white",
        checkbox_label_background_fill_dark="#1d2128",
        checkbox_label_border_width="1px",
        checkbox_label_border_color="#dce0e6",
        checkbox_label_border_color_dark="#333943",
    )


def build_screens(workspace: Workspace) -> gr.Blocks:
    """All screens over a workspace."""
    start = "label" if workspace.names() else "new"
    with gr.Blocks(
        title="alnlp", analytics_enabled=False, fill_width=True, delete_cache=_UPLOADS
    ) as page:
        Panel("header", elem_id="alnlp-header")
        with gr.Tabs(selected=start, elem_id="alnlp-tabs") as tabs:
            with gr.Tab(TRANSLATED("app.tab_label"), id="label"):
                canvas = Panel("canvas", events=("new_project",))
            with gr.Tab(TRANSLATED("app.tab_progress"), id="progress"):
                Panel("progress")
            with gr.Tab(TRANSLATED("app.tab_data"), id="data"):
                data = Panel("data", events=("asked",))
            with gr.Tab(TRANSLATED("app.tab_review"), id="review"):
                Panel("review")
            with gr.Tab(TRANSLATED("app.tab_new"), id="new"):
                outcome = new_project_screen(workspace)
        _switch(canvas.new_project, tabs, "new")
        _switch(outcome.start, tabs, "label")
        _switch(data.asked, tabs, "label")
    return page


def _switch(event: Any, tabs: gr.Tabs, to: str) -> None:
    event(lambda: gr.Tabs(selected=to), None, tabs, queue=False, api_visibility="private")
