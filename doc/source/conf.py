# SPDX-License-Identifier: Apache-2.0
"""Sphinx: ``make docs`` builds this into doc/build/html, and fails at any warning."""

project = 'nova-container'
author = 'nova-container'
copyright = '2026, nova-container; Apache-2.0'
extensions = [
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
    'reno.sphinxext',
    'sphinx.ext.autodoc',
    'sphinx_feature_classification.support_matrix',
]
html_theme = 'openstackdocs'
openstackdocs_repo_name = 'nova-container'
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_pdf_link = False
openstackdocs_use_storyboard = False
html_context = {'display_badge': False}
pygments_style = 'native'
