# SPDX-License-Identifier: Apache-2.0
"""The shape of the project, kept by a test: packages, sizes, the part of Nova we stand on, complete error tables."""

import ast
import configparser
import importlib
import inspect
import pathlib
import pkgutil
import sys

import pytest

import nova_container
from nova_container import errors

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRODUCT = ('nova_container', 'heat_container', 'glance_store_container')
MODULE_LINES = 500
FUNCTION_LINES = 60

# All of Nova that the driver imports. What is not here may change under us unseen: extend it on purpose only.
NOVA_MODULES = {
    'nova.compute.power_state',
    'nova.compute.task_states',
    'nova.compute.utils',
    'nova.conf',
    'nova.context',
    'nova.exception',
    'nova.i18n',
    'nova.image.glance',
    'nova.network.model',
    'nova.network.neutron',
    'nova.network.os_vif_util',
    'nova.objects.diagnostics',
    'nova.objects.fields',
    'nova.objects.numa',
    'nova.objects.service',
    'nova.objects.virt_device_metadata',
    'nova.objects.virtual_interface',
    'nova.virt.configdrive',
    'nova.virt.driver',
    'nova.virt.event',
    'nova.virt.hardware',
}
NOVA_PACKAGES = {'nova', *(name.rpartition('.')[0] for name in NOVA_MODULES)}


def product_modules():
    return [path for package in PRODUCT for path in sorted((ROOT / package).rglob('*.py'))]


def parsed(path):
    return ast.parse(path.read_text(), str(path))


def leaves(cls):
    below = cls.__subclasses__()
    return {leaf for child in below for leaf in leaves(child)} if below else {cls}


def test_every_package_on_disk_is_in_setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    options = config['options']
    moved = dict(line.replace(' ', '').split('=') for line in options['package_dir'].split('\n') if line.strip())
    listed = {moved.get(name, name.replace('.', '/')) for name in options['packages'].split()}
    on_disk = {str(path.parent.relative_to(ROOT))
               for package in PRODUCT for path in (ROOT / package).rglob('__init__.py')}
    assert listed == on_disk


def test_every_folder_with_modules_is_a_package():
    assert [str(path) for path in product_modules() if not (path.parent / '__init__.py').exists()] == []


def test_no_module_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in product_modules()}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_too_long():
    found = {}
    for path in product_modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    found[f'{path.relative_to(ROOT)}:{node.name}'] = lines
    assert found == {}


def test_no_module_is_a_drawer():
    drawers = {'utils', 'util', 'common', 'helpers', 'helper', 'manager', 'misc'}
    assert [str(path) for path in product_modules() if path.stem in drawers] == []


def test_every_module_names_its_licence():
    licence = '# SPDX-License-Identifier: Apache-2.0'
    lacking = [str(path.relative_to(ROOT)) for path in product_modules()
               if path.read_text() and not path.read_text().startswith(licence)]
    assert lacking == []


def test_the_contract_needs_only_the_standard_library():
    outside = {}
    for path in sorted((ROOT / 'nova_container' / 'engine').rglob('*.py')):
        allowed = sys.stdlib_module_names | {'nova_container'}
        imported = {name for name in imports_of(path) if name.split('.')[0] not in allowed}
        own = {name for name in imports_of(path) if name.startswith('nova_container.')
               and not name.startswith(('nova_container.engine', 'nova_container.errors'))}
        if imported | own:
            outside[str(path.relative_to(ROOT))] = imported | own
    assert outside == {}


def test_the_part_of_nova_we_stand_on_is_known():
    used = {name for path in sorted((ROOT / 'nova_container').rglob('*.py')) for name in imports_of(path)
            if name.split('.')[0] == 'nova'}
    assert used <= NOVA_MODULES, f'not pinned: {sorted(used - NOVA_MODULES)}'


def test_every_error_has_its_own_kind():
    every = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.ContainerError)]
    kinds = [cls.kind for cls in every]
    assert len(kinds) == len(set(kinds))
    assert len(leaves(errors.ContainerError)) >= 15


@pytest.mark.parametrize(('module', 'table'), [
    ('nova_container.docker.status', 'STATUS'), ('nova_container.virt.failures', 'TABLE')])
def test_every_leaf_of_the_error_tree_has_a_row(module, table):
    """Its own, or one of its bases'; the row of the root serves only what the host or its tools refused."""
    if module.split('.')[1] == 'virt':
        pytest.importorskip('nova', reason='Nova is not installed')
    rows = set(getattr(importlib.import_module(module), table))
    assert errors.ContainerError in rows
    lacking = [leaf.__name__ for leaf in leaves(errors.ContainerError) - leaves(errors.HostFailure)
               if not rows & set(leaf.__mro__[:leaf.__mro__.index(errors.ContainerError)])]
    assert lacking == []


def test_every_module_below_the_driver_can_be_imported():
    """Nothing below ``virt`` needs Nova, and no import cycle hides."""
    for found in pkgutil.walk_packages(nova_container.__path__, 'nova_container.'):
        if not found.name.startswith(('nova_container.virt', 'nova_container.nova_shim', 'nova_container.cmd')):
            importlib.import_module(found.name)


def imports_of(path):
    """The modules that a file imports; of ``from nova import x`` that is ``nova.x``."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in NOVA_PACKAGES:
                yield from (f'{node.module}.{alias.name}' for alias in node.names)
            else:
                yield node.module
