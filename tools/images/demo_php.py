# SPDX-License-Identifier: Apache-2.0
"""demo-php: Debian's Apache with PHP and its MySQL driver, at /var/www/html as in Docker Hub's ``php:apache``."""

from pathlib import Path
from typing import Any

from tools.images import base, packages
from tools.images.rootfs import Rootfs

NAME = 'demo-php'

RUN_DEFAULTS: dict[str, Any] = {
    'Entrypoint': ['/usr/sbin/apache2', '-f', '/etc/apache2/apache2.conf'],
    'Cmd': ['-D', 'FOREGROUND'],
    'Env': ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    'ExposedPorts': {'80/tcp': {}},
    'WorkingDir': '/var/www/html',
    'StopSignal': 'SIGWINCH',
}

_MODULES = Path('/usr/lib/apache2/modules')
_LOADED = ('mpm_prefork', 'authz_core', 'dir', 'mime')
_EXTENSIONS = ('mysqlnd', 'mysqli')

_CONFIG = '''ServerRoot /usr/lib/apache2
ServerName localhost
PidFile /run/apache2.pid
Listen 80
%(modules)s
LoadModule php_module modules/libphp8.2.so
User nobody
Group nogroup
StartServers 2
MinSpareServers 1
MaxSpareServers 3
MaxRequestWorkers 10
DocumentRoot /var/www/html
DirectoryIndex index.php index.html
TypesConfig /etc/mime.types
PHPIniDir /etc/php
ErrorLog /dev/stderr
LogLevel warn
<FilesMatch "\\.php$">
    SetHandler application/x-httpd-php
</FilesMatch>
'''

_INDEX = '''<?php
if (getenv('WORDPRESS_DB_HOST')) {
    $db = new mysqli(getenv('WORDPRESS_DB_HOST'), getenv('WORDPRESS_DB_USER'), getenv('WORDPRESS_DB_PASSWORD'),
                     getenv('WORDPRESS_DB_NAME'));
    if (isset($_GET['text'])) {
        $db->execute_query('INSERT INTO posts (text) VALUES (?)', [$_GET['text']]);
    }
    foreach ($db->query('SELECT text FROM posts ORDER BY id') as $post) {
        echo htmlspecialchars($post['text']) . "\\n";
    }
}
echo "demo-php with PHP " . PHP_VERSION . "\\n";
'''


def rootfs() -> Rootfs:
    """Return the file system.

    :raises PackageMissing: a Debian package is not installed.
    """
    tree = base.rootfs(NAME)
    packages.add_program(tree, '/usr/sbin/apache2', 'apache2-bin')
    for name in _LOADED:
        packages.add_program(tree, str(_MODULES / f'mod_{name}.so'), 'apache2-bin')
    packages.add_program(tree, str(_MODULES / 'libphp8.2.so'), 'libapache2-mod-php8.2')
    extensions = _extensions()
    for name in _EXTENSIONS:
        packages.add_program(tree, str(extensions / f'{name}.so'), 'php8.2-mysql')
    tree.file('etc/apache2/apache2.conf', _CONFIG % {
        'modules': '\n'.join(f'LoadModule {name}_module modules/mod_{name}.so' for name in _LOADED)})
    tree.file('etc/mime.types', 'text/html html\ntext/plain txt\n')
    tree.file('etc/php/php.ini', ''.join(f'extension={name}.so\n' for name in _EXTENSIONS))
    tree.file('var/www/html/index.php', _INDEX)
    tree.directory('run/lock')
    return tree


def _extensions() -> Path:
    """Where PHP looks for extensions: named by the number of its API."""
    found = sorted(Path('/usr/lib/php').glob('2*/mysqli.so'))
    if not found:
        raise packages.PackageMissing('mysqli.so is missing: install it with "apt-get install php8.2-mysql"')
    return found[-1].parent
