"""The organisation's power, on its own machine: root and issuer keys, certificates, tokens, published documents."""
