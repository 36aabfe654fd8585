# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Image."""

from heat.common.i18n import _
from heat.engine import attributes, constraints
from heat.engine.properties import Schema

from heat_container import credentials

NAME, DIGEST, PLATFORM, TAGS, PUSH, ON_DELETE, UPDATE_ON, CREDENTIALS = (
    'name', 'digest', 'platform', 'tags', 'push', 'on_delete', 'update_on', 'registry_credentials')
GLANCE, URL, BUILD, COMMIT = SOURCES = ('glance_image', 'url', 'build', 'commit')
ADDRESS, CONTENT, SHA256 = 'address', 'content', 'sha256'
DOCKERFILE, FILES, CONTEXT_URL, ARGUMENTS, TARGET, LABELS, CACHE, PULL = (
    'dockerfile', 'files', 'context_url', 'args', 'target', 'labels', 'cache', 'pull')
CONTAINER, PAUSE, AUTHOR, COMMENT = 'container', 'pause', 'author', 'comment'
REPOSITORY, TAG = 'repository', 'tag'
COMMIT_CONFIG = {'command': 'Cmd', 'entrypoint': 'Entrypoint', 'environment': 'Env', 'working_dir': 'WorkingDir',
                 'user': 'User'}
"""Keys of ``commit`` and of an image's configuration."""

ID, TAG_NAMES, REMOTE_DIGEST, SIZE, ARCHITECTURE, OS, CONFIG, CREATED, HISTORY, PUSHED = (
    'id', 'tags', 'remote_digest', 'size', 'architecture', 'os', 'config', 'created', 'history', 'pushed_digest')


def _text(description: str, **options: object) -> Schema:
    return Schema(Schema.STRING, description, **options)


def _texts(description: str, **options: object) -> Schema:
    return Schema(Schema.LIST, description, schema=Schema(Schema.STRING), **options)


_URL = Schema(Schema.MAP, _('Take the image from a web server.'), schema={
    ADDRESS: _text(_('An http or https URL. Its server must be one that tenants may reach; no redirect is followed.'),
                   required=True),
    CONTENT: _text(_('What is there: archive (of docker save, or an OCI layout, of one image), or rootfs, a tar of a '
                     'file system.'), default='archive',
                   constraints=[constraints.AllowedValues(['archive', 'rootfs'])]),
    SHA256: _text(_('The SHA-256 of it in hexadecimal. Other bytes are refused.'),
                  constraints=[constraints.AllowedPattern('(sha256:)?[0-9a-fA-F]{64}')]),
})

_BUILD = Schema(Schema.MAP, _('Build the image from a Dockerfile. The steps have no network on an engine that projects '
                              'share.'), schema={
    DOCKERFILE: _text(_('The text of the Dockerfile.')),
    FILES: Schema(Schema.MAP, _('Small text files beside the Dockerfile: path to content.')),
    CONTEXT_URL: _text(_('Instead of dockerfile and files: an http or https URL of a tar that holds them.')),
    ARGUMENTS: Schema(Schema.MAP, _('Values for the ARG instructions.')),
    TARGET: _text(_('The stage to build.')),
    LABELS: Schema(Schema.MAP, _('Labels of the image.')),
    CACHE: Schema(Schema.BOOLEAN, _('Whether steps that an earlier build did are taken from it.'), default=True),
    PULL: Schema(Schema.BOOLEAN, _('Whether the images after FROM are pulled though they are there.'), default=False),
})

_COMMIT = Schema(Schema.MAP, _('Make the image of the files of a container.'), schema={
    CONTAINER: _text(_('The container, of this project.'), required=True),
    PAUSE: Schema(Schema.BOOLEAN, _('Whether the container is frozen meanwhile.'), default=True),
    AUTHOR: _text(_('The author to note in the image.')),
    COMMENT: _text(_('A comment to note in the image.')),
    'command': _texts(_('The command of the image, instead of that of the container.')),
    'entrypoint': _texts(_('The entry point of the image, instead of that of the container.')),
    'environment': _texts(_('The environment of the image as NAME=VALUE, instead of that of the container.')),
    'working_dir': _text(_('The working directory of the image.')),
    'user': _text(_('The user of the image.')),
})

PROPERTIES = {
    NAME: _text(_('What to pull, REPOSITORY[:TAG][@DIGEST]; or, with another source, what the image is called on the '
                  'engine. On an engine that projects share such names are below a prefix of the project.'),
                constraints=[constraints.CustomConstraint('docker.image_reference')]),
    DIGEST: _text(_('Pull exactly this manifest (sha256:...) of the repository, whatever the tag is today.'),
                  constraints=[constraints.AllowedPattern('sha256:[0-9a-f]{64}')]),
    PLATFORM: _text(_('Which of the images under the name, OS/ARCHITECTURE[/VARIANT].')),
    CREDENTIALS: credentials.SCHEMA,
    GLANCE: _text(_('Take an image of Glance (container format docker, disk format raw) under the rights of the user.'),
                  constraints=[constraints.CustomConstraint('glance.image')]),
    URL: _URL, BUILD: _BUILD, COMMIT: _COMMIT,
    TAGS: _texts(_('Further names on the engine.'), update_allowed=True, default=[]),
    PUSH: Schema(Schema.MAP, _('Push the image to a registry.'), update_allowed=True, schema={
        REPOSITORY: _text(_('The repository, HOST[:PORT]/PATH.'), required=True),
        TAG: _text(_('The tag there.'), default='latest'),
        CREDENTIALS: credentials.SCHEMA,
    }),
    ON_DELETE: _text(_('What becomes of the image: keep leaves it; untag takes the names away that the resource gave, '
                       'and the image with the last one unless a container uses it; remove fails as long as a '
                       'container uses it.'), default='untag', update_allowed=True,
                     constraints=[constraints.AllowedValues(['keep', 'untag', 'remove'])]),
    UPDATE_ON: _text(_('Whether a stack update pulls again: digest_change does if the registry has another image under '
                       'the name.'), default='never', update_allowed=True,
                     constraints=[constraints.AllowedValues(['never', 'digest_change'])]),
}


def _live(description: str, kind: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind, cache_mode=attributes.Schema.CACHE_NONE)


ATTRIBUTES = {
    ID: _live(_('The digest of the configuration of the image.'), attributes.Schema.STRING),
    DIGEST: _live(_('The digest of the manifest that was pulled.'), attributes.Schema.STRING),
    REMOTE_DIGEST: _live(_('The digest that the registry has under the name now.'), attributes.Schema.STRING),
    PUSHED: _live(_('The digest of the manifest that was pushed.'), attributes.Schema.STRING),
    TAG_NAMES: _live(_('The names of the image on the engine.'), attributes.Schema.LIST),
    SIZE: _live(_('The size of its files in bytes.'), attributes.Schema.INTEGER),
    ARCHITECTURE: _live(_('The architecture it is for.'), attributes.Schema.STRING),
    OS: _live(_('The operating system it is for.'), attributes.Schema.STRING),
    CONFIG: _live(_('Its configuration, with the names of Docker.'), attributes.Schema.MAP),
    CREATED: _live(_('When it was made.'), attributes.Schema.STRING),
    HISTORY: _live(_('The steps it was made in.'), attributes.Schema.LIST),
}
