"""Networks with weights of their own, as plain `tf.Module`s.

TFP finds the variables of a `tf.Module` wherever it stands inside a bijector. It does not
find those of a Keras 3 model, and then nothing trains, in silence.
"""

from normflows_tut.networks.conv import Conv, ConvNet
from normflows_tut.networks.dense import MLP, Dense, activation_function
from normflows_tut.networks.embedding import Embedding
from normflows_tut.networks.image_coders import Decoder, Encoder
from normflows_tut.networks.made import MADE

__all__ = [
    "MADE",
    "MLP",
    "Conv",
    "ConvNet",
    "Decoder",
    "Dense",
    "Embedding",
    "Encoder",
    "activation_function",
]
