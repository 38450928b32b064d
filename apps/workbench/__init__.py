"""The browser workbench: label, watch the model learn, look at the data, make projects.

`serve` starts it; `build` gives the application for another server or a test. Importing this
package imports neither gradio nor torch.
"""

from alnlp_apps.workbench.server import build, serve

__all__ = ["build", "serve"]
