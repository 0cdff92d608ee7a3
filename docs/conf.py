"""How Sphinx builds the site: ``tox -e docs``, or ``sphinx-build -W docs site``."""

from corenet import __version__

project = "corenet"
author = "The corenet authors"
project_copyright = "The corenet authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = f"corenet {release}"
html_theme_options = {
    # The first has every sub- and superscript that the formulas use.
    "light_css_variables": {"font-stack--monospace": "'DejaVu Sans Mono', Menlo, Consolas, monospace"}
}
html_static_path = ["_static"]
html_css_files = ["corenet.css"]
