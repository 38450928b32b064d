"""A place on the page that a module of ours fills."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from alnlp_apps.workbench.texts import ENGLISH, TEXTS

# Static: no value is ever put into the template, since Gradio runs templates as JavaScript.
_TEMPLATE = '<div class="al-host"></div>'
_LOAD = """
const events = {EVENTS};
const page = {
  trigger: (name) => { if (events.includes(name)) trigger(name); },
  value: () => props.value,
  watch: (callback) => watch("value", callback),
};
const host = element.querySelector(".al-host");
const broken = async () => {
  const texts = import("/alnlp/texts.js");
  const words = await texts.then((read) => read.default.app.broken, () => WORDS);
  if (!host.hasChildNodes()) host.textContent = words;
};
// The server went away while the page was loading. To load the page anew would lose what is being
// typed on another screen; and a browser may remember what it could not load, by its address.
const load = (attempt) => import("/alnlp/static/MODULE.js" + (attempt && "?again=" + attempt)).then(
  (module) => module.mount(host, page),
  (error) => {
    console.error(error);
    broken();
    // Not after one of the module's own mistakes.
    if (error instanceof TypeError) setTimeout(() => load(Number(attempt) + 1), 1000);
  },
);
load("");
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
        broken = json.dumps(TEXTS[ENGLISH]["app"]["broken"])
        code = _LOAD.replace("{EVENTS}", listed).replace("MODULE", module).replace("WORDS", broken)
        super().__init__(
            html_template=_TEMPLATE,
            js_on_load=code,
            apply_default_css=False,
            container=False,
            padding=False,
            **options,
        )
