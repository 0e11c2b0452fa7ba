"""How Sphinx makes the site of these pages: `make site`."""

project = "P20 WIN enclave"
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = project
html_show_copyright = html_show_sourcelink = False
