"""Looking inside a `tfb.Chain`."""

import tensorflow_probability as tfp

# `tfb.Chain(...)` returns an instance of its parent class wherever a link holds variables
# that are no composite tensors; so it is the parent that tells a chain.
_CHAIN = tfp.bijectors.Chain.__bases__[0]


def links(bijector):
    """Returns the links of a chain, data side first; any other bijector is one link."""
    return list(bijector.bijectors) if isinstance(bijector, _CHAIN) else [bijector]


def parts(bijector):
    """Returns what nested chains are made of, data side first."""
    if not isinstance(bijector, _CHAIN):
        return [bijector]
    return [part for link in bijector.bijectors for part in parts(link)]
