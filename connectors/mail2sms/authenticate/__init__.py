"""What a mail proves about who sent it: its own signatures, and the word of our mail server.

`signatures`: DKIM. `alignment`: whose domain is whose (DMARC). `results`: Authentication-Results. `fields`: headers that can be read in one way only.
`resolver`: TXT records. `proving` puts them together.
"""

from connectors.mail2sms.authenticate.proving import authenticate
from connectors.mail2sms.authenticate.resolver import Lookup, NoAnswer, resolver

__all__ = ["Lookup", "NoAnswer", "authenticate", "resolver"]
