"""A place on the page that a module of ours fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

# Static: no value is ever put into the template, since Gradio runs templates as JavaScript.
_TEMPLATE = '<div class="al-host"></div>'
_LOAD = """
const events = {EVENTS};
const page = {
  trigger: (name) => { if (events.includes(name)) trigger(name); },
  value: () => props.value,
  watch: (callback) => watch("value", callback),
};
// The server went away while the page was loading: as soon as it is back, so is the page.
const again = () => setTimeout(async () => {
  const back = await fetch("/alnlp/projects").then((answer) => answer.ok, () => false);
  if (back) location.reload(); else again();
}, 1000);
import("/alnlp/static/MODULE.js").then(
  (module) => module.mount(element.querySelector(".al-host"), page),
  (error) => {
    console.error(error);
    element.textContent = "MODULE.js could not be loaded.";
    if (error instanceof TypeError) again(); // not one of the module's own mistakes
  },
);
"""


class Panel(gr.HTML):
    """An empty element that `static/<module>.js` mounts itself in.

    The value is data for the module, which puts it on the page as text nodes.

    Args:
        module: the name of the module.
        events: names of events that the module may trigger.
    """

    def __init__(self, module: str, *, events: Sequence[str] = (), **options: Any) -> None:
        listed = "[" + ", ".join(f'"{name}"' for name in events) + "]"
        super().__init__(
            html_template=_TEMPLATE,
            js_on_load=_LOAD.replace("{EVENTS}", listed).replace("MODULE", module),
            apply_default_css=False,
            container=False,
            padding=False,
            **options,
        )
