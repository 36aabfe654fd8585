# SPDX-License-Identifier: Apache-2.0
"""Neutron's L3 agent, kept from other people's routers.

At its start the agent deletes every `qrouter-` namespace of the host whose
router it does not know, those of a second checkout or of a real Neutron too.
"""

import pathlib

from neutron.agent.l3 import namespace_manager
from neutron.cmd.agents import l3
from oslo_config import cfg

from tools.minicloud import namespaces


def main() -> None:
    """Run the agent; it sees only the namespaces of its own state path."""
    list_all = namespace_manager.NamespaceManager.list_all

    def list_ours(self) -> set[str]:
        ours = namespaces.own_ids(pathlib.Path(cfg.CONF.state_path))
        return {name for name in list_all(self)
                if name.partition('-')[2] in ours}

    namespace_manager.NamespaceManager.list_all = list_ours
    l3.main()
