# SPDX-License-Identifier: Apache-2.0
from bench import minicloud


def test_the_variables_of_the_cloud_are_read_without_the_path():
    text = ("export OS_CLOUD=minicloud;\nexport OS_CLIENT_CONFIG_FILE='/a folder/clouds.yaml';\n"
            'export PATH=/venv/bin:"$PATH";')
    assert minicloud.exports(text) == {'OS_CLOUD': 'minicloud', 'OS_CLIENT_CONFIG_FILE': '/a folder/clouds.yaml'}


def test_other_lines_are_passed_over():
    assert minicloud.exports('# a comment\n\nexport\necho hello\n') == {}
