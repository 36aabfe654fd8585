# SPDX-License-Identifier: Apache-2.0
"""demo-mariadb: Debian's MariaDB with the settings and the health check of Docker Hub's ``mariadb``."""

from pathlib import Path
from typing import Any

from tools.images import base, packages
from tools.images.rootfs import Rootfs

NAME = 'demo-mariadb'

RUN_DEFAULTS: dict[str, Any] = {
    'Entrypoint': ['/entrypoint'],
    'Cmd': ['mariadbd'],
    'Env': ['PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    'ExposedPorts': {'3306/tcp': {}},
    'Volumes': {'/var/lib/mysql': {}},
}

_SHARE = Path('/usr/share/mysql')
_SCRIPTS = ('mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql')

_ENTRYPOINT = '''#!/bin/sh
# MARIADB_ROOT_PASSWORD, and for a first database MARIADB_DATABASE, MARIADB_USER, MARIADB_PASSWORD.
set -eu
: "${MARIADB_ROOT_PASSWORD:?set MARIADB_ROOT_PASSWORD}"
data=/var/lib/mysql
settings="--no-defaults --user=root --datadir=$data --lc-messages-dir=/usr/share/mysql --performance-schema=0
    --innodb-buffer-pool-size=16M --aria-pagecache-buffer-size=1M --key-buffer-size=1M --innodb-log-file-size=8M
    --character-set-server=utf8mb4"
mkdir -p "$data" /run/mysqld
if [ ! -d "$data/mysql" ]; then
    echo "demo-mariadb: making the system tables"
    {
        # A statement a line: that is how bootstrapping reads
        printf '%s;\\n' 'CREATE DATABASE IF NOT EXISTS mysql' 'USE mysql' 'SET @auth_root_socket=NULL' \\
            'SET @skip_auth_anonymous=1'
        cat SCRIPTS
    } | mariadbd $settings --bootstrap --skip-networking --log-warnings=0
fi
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\\\\\']/\\\\\\\\&/g")"; }
umask 077
{
    echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$MARIADB_ROOT_PASSWORD");"
    if [ -n "${MARIADB_DATABASE:-}" ]; then
        echo "CREATE DATABASE IF NOT EXISTS \\`$MARIADB_DATABASE\\`;"
        if [ -n "${MARIADB_USER:-}" ]; then
            echo "CREATE OR REPLACE USER $(quoted "$MARIADB_USER")@'%' IDENTIFIED BY $(quoted "$MARIADB_PASSWORD");"
            echo "GRANT ALL ON \\`$MARIADB_DATABASE\\`.* TO $(quoted "$MARIADB_USER")@'%';"
        fi
    fi
} > /run/mysqld/init.sql
echo "demo-mariadb: starting"
exec "$@" $settings --bind-address=0.0.0.0 --socket=/run/mysqld/mysqld.sock --init-file=/run/mysqld/init.sql
'''.replace('SCRIPTS', ' '.join(f'/usr/share/mysql/{name}' for name in _SCRIPTS))

_HEALTHCHECK = '''#!/bin/sh
# Usage: healthcheck.sh [--connect] [--innodb_initialized]
MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb --no-defaults --user=root --socket=/run/mysqld/mysqld.sock \\
    --batch --execute='SELECT COUNT(*) FROM information_schema.ENGINES WHERE ENGINE = "InnoDB"' > /dev/null
'''


def rootfs() -> Rootfs:
    """Return the file system.

    :raises PackageMissing: a Debian package is not installed.
    """
    tree = base.rootfs(NAME)
    packages.add_program(tree, '/usr/sbin/mariadbd', 'mariadb-server')
    packages.add_program(tree, '/usr/bin/mariadb', 'mariadb-client')
    for name in (*_SCRIPTS, 'english/errmsg.sys', 'charsets/Index.xml'):
        tree.file(f'usr/share/mysql/{name}', packages.program(str(_SHARE / name), 'mariadb-server'))
    tree.directory('var/lib/mysql')
    tree.file('entrypoint', _ENTRYPOINT, 0o755)
    tree.file('usr/local/bin/healthcheck.sh', _HEALTHCHECK, 0o755)
    return tree
