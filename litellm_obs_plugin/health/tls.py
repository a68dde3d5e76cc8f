"""How certificates are checked: as LiteLLM does, but in contexts of our own."""

import os
import ssl
from functools import lru_cache

import certifi

from litellm_obs_plugin.health.target import Verify


@lru_cache(maxsize=16)
def context_for(verify: Verify) -> ssl.SSLContext:
    """A context that trusts the bundle at *verify*, the usual ones (True) or anybody (False).

    Raises:
        OSError: the bundle cannot be read.
    """
    bundle = verify if isinstance(verify, str) else os.environ.get("SSL_CERT_FILE")
    context = ssl.create_default_context(cafile=bundle or certifi.where())
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
