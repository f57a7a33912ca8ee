"""Keeps a run of Breezy on the server that it is sent to.

A branch may say that it is another branch, or that a part of its history is in another one, anywhere: in a file of this
machine, too. Here that may be on the same server only. The commands have names of their own, so that a program that does
not load this file does nothing at all.
"""

from urllib.parse import urlsplit

from breezy import branch, builtins, commands, errors, urlutils
from breezy.bzr.branch import BranchReferenceFormat
from breezy.transport.http import urllib as client


connect_to_origin = client.HTTPSConnection.connect_to_origin


def connect_to_origin_by_name(self):
    """Compares a certificate that comes through a proxy with the name of the server: Breezy 3.3 takes that of the proxy."""
    host = self.host
    if self.proxied_host is not None:
        self.host = self.proxied_host.rsplit(":", 1)[0].strip("[]")
    try:
        return connect_to_origin(self)
    finally:
        self.host = host


def mend_tunnels():
    """Lets Breezy 3.3 ask for a tunnel: it has a request whose selector cannot be set, and the library of Python sets it."""
    request = getattr(client, "_ConnectRequest", None)
    selector = getattr(request, "selector", None)
    if isinstance(selector, property) and selector.fset is None:
        request.selector = selector.setter(lambda self, value: None)


client.HTTPSConnection.connect_to_origin = connect_to_origin_by_name
mend_tunnels()


def stay(base, location):
    """Fails unless `location`, which may be relative, is on the server of `base`."""
    there = urlutils.join(base, location)
    if urlsplit(there)[:2] != urlsplit(base)[:2]:
        raise errors.CommandError("the branch leads to another place than its server, which is not followed")


get_reference = BranchReferenceFormat.get_reference
open_reference = BranchReferenceFormat.open
activate_fallback_location = branch.Branch._activate_fallback_location


def get_reference_here(self, controldir, *args, **kwargs):
    location = get_reference(self, controldir, *args, **kwargs)
    stay(controldir.user_url, location)
    return location


def open_reference_here(self, controldir, name=None, _found=False, location=None, **kwargs):
    if location is not None:
        stay(controldir.user_url, location)
    return open_reference(self, controldir, name, _found, location, **kwargs)


def activate_fallback_location_here(self, url, *args, **kwargs):
    stay(self.user_url, url)
    return activate_fallback_location(self, url, *args, **kwargs)


BranchReferenceFormat.get_reference = get_reference_here
BranchReferenceFormat.open = open_reference_here
branch.Branch._activate_fallback_location = activate_fallback_location_here


class cmd_stoa_branch(builtins.cmd_branch):
    __doc__ = builtins.cmd_branch.__doc__


class cmd_stoa_pull(builtins.cmd_pull):
    __doc__ = builtins.cmd_pull.__doc__


class cmd_stoa_tags(builtins.cmd_tags):
    __doc__ = builtins.cmd_tags.__doc__


for command in (cmd_stoa_branch, cmd_stoa_pull, cmd_stoa_tags):
    commands.register_command(command)
