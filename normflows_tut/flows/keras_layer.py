"""Any bijector of this module as a layer of a Keras model."""

import inspect
import sys

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from normflows_tut._checks import float_dtype
from normflows_tut.bijectors.conditional import depends_on_context
from normflows_tut.flows.recipe import LOST, Recipe

tfb = tfp.bijectors

_OF_KERAS = ("batch_input_shape", "batch_size", "input_shape")


@tf_keras.saving.register_keras_serializable(package="normflows_tut")
class BijectorLayer(tf_keras.layers.Layer):
    """A bijector as a layer of a Keras 2 model, with its log-determinant as a loss.

    ```none
    call(x) = f(x)               f is the bijector's forward, with inverse=True its inverse
    losses  = [-mean_i log|det df/dx(x_i)|]      over the batch, in nats; one for each call
    ```

    Keras adds the losses of all layers. Let f be all of them together, and q the density of f(z)
    for z of a base distribution. Then a loss on the output makes the objective complete:

    ```none
    inverse=False, on z, with the loss -log p(f(z)):     KL(q || p) + the entropy of the base
    inverse=True,  on x, with the loss -log base(f(x)):  the negative log-likelihood of x
    ```

    The layer is one of `tf_keras`, as TensorFlow Probability needs: a model of Keras 3 would not
    see its weights. A model that holds it is saved in every format of `tf_keras`, and after
    `from normflows_tut import flows` loaded by `tf_keras.models.load_model`. Around a bijector
    that was there already only the weights are saved, by `save_weights("name.weights.h5")`.
    Save to `"name.keras"`: if that is refused, a file of this name stays as it was. In the older
    formats, `.h5` and a folder, Keras has begun to write over it before it asks the layer.

    `layer.bijector` is the bijector: `tfd.TransformedDistribution(base, layer.bijector)` is a
    flow like any other, and shares the weights.

    The first axis, and no other, counts as the batch: what acts on `[d]` takes `[batch, d]`, and
    also `[batch, t, d]`, whose log-determinants are summed over t. A bijector on images takes
    `[batch, height, width, channels]`.

    A call changes no variable. An `ActNorm` inside, and the standardising step of a flow, stay
    the identity unless `training.fit` or `bijectors.initialize_act_norms` has set them.

    Args:
      make: A class of `normflows_tut.bijectors`; a function of `normflows_tut.flows` that returns
        a flow, whose bijector is taken, or a bijector; the name of either, such as
        `"bijectors.Planar"`; or a `tfb.Bijector` that is there already, as `flow.bijector`. One
        that waits for a context has to be given one, by `bijectors.given`.
      inverse: Whether the layer applies the inverse.
      name: Name of the layer.
      trainable: Whether an optimizer moves the weights.
      dtype: The layer's `tf.float32` or `tf.float64`, and the bijector's; by default that of the
        `tfb.Bijector`, or else of Keras' policy.
      **arguments: What `make` is called with. Give each of several layers a `seed` of its own,
        or they start alike. An `input_shape` goes to Keras.

    Raises:
      ValueError: `make` is none of the above, or is a `tfb.Bijector` and comes with arguments;
        `inverse` is no bool; `dtype` is of another kind, or not the bijector's; an argument is
        missing, unknown or does not suit `make`; the bijector waits for a context. On use: the
        input is not one dense tensor, its shape does not fit, or it comes from Keras 3. On
        saving: the bijector was given ready, or an argument cannot be written down.

    Reference:
      Rezende & Mohamed (2015), Variational Inference with Normalizing Flows, equation 15, for the
      sum of log-determinants as a part of the loss.

    Example:
      >>> from normflows_tut import bijectors
      >>> layers = [BijectorLayer(bijectors.Planar, event_size=2, seed=k) for k in range(4)]
      >>> model = tf_keras.Sequential(layers)
      >>> model(tf.zeros([3, 2])).shape, len(model.losses), len(model.trainable_weights)
      (TensorShape([3, 2]), 4, 12)
    """

    def __init__(self, make, *, inverse=False, name=None, trainable=True, dtype=None, **arguments):
        ready = isinstance(make, tfb.Bijector)
        of_keras = {key: arguments.pop(key) for key in _OF_KERAS if key in arguments}
        if ready and arguments:
            raise ValueError(
                f"{make.name} is a bijector already and takes no arguments, got "
                f"{', '.join(arguments)}. Give its class to have one made of them."
            )
        if ready and dtype is None:
            dtype = next(iter(_dtypes(make)), None)
        if not isinstance(inverse, bool | np.bool_):
            raise ValueError(f"inverse must be True or False, got {inverse!r}.")
        super().__init__(name=name, trainable=trainable, dtype=dtype, **of_keras)
        dtype = float_dtype(self.compute_dtype)
        self.inverse = bool(inverse)
        self._recipe = None if ready else Recipe(make, arguments)
        # Its attributes are found as those of any `tf.Module`.
        self.bijector = make if ready else self._recipe.bijector(dtype)
        if others := _dtypes(self.bijector) - {dtype}:
            raise ValueError(
                f"{self.bijector.name} is of {others.pop().name} and the layer's dtype is "
                f"{dtype.name}; they must agree."
            )
        if depends_on_context(self.bijector):
            raise ValueError(
                f"{self.bijector.name} depends on a context, and a layer has none to give: make "
                f"it of bijectors.given(bijector, context)."
            )

    # The order of the weights is the same whether they are trained or not. Keras would list those
    # of a frozen layer in another, and weights from a file would go astray.

    @property
    def trainable_weights(self):
        """The bijector's trainable variables; none if `trainable` is False."""
        return list(self.bijector.trainable_variables) if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The bijector's other variables, such as an order that was drawn."""
        fixed = list(self.bijector.non_trainable_variables)
        return fixed if self.trainable else [*self.bijector.trainable_variables, *fixed]

    def __call__(self, *args, **kwargs):
        """Applies the layer as Keras does; a ValueError refuses what comes from Keras 3."""
        _refuse_keras_3(self.name, (args, kwargs))
        return super().__call__(*args, **kwargs)

    def call(self, x):
        """Returns the image of `x`, and adds -mean log|det| to the losses."""
        if not isinstance(x, tf.Tensor | tf.Variable):
            raise ValueError(f"{self.name} takes one dense tensor, got {x!r}.")
        self._check_rank(x.shape)
        # New tensors on either side: of those that it has met, a bijector remembers the image.
        x = tf.identity(tf.cast(x, self.compute_dtype))
        event_ndims, n = x.shape.rank - 1, tf.shape(x)[:1]
        if self.inverse:
            y = self.bijector.inverse(x)
            log_det = self.bijector.inverse_log_det_jacobian(x, event_ndims)
        else:
            y = self.bijector.forward(x)
            log_det = self.bijector.forward_log_det_jacobian(x, event_ndims)
        total = tf.reduce_sum(tf.broadcast_to(log_det, n))  # a constant one has no batch
        # An empty batch has the loss 0, and not NaN.
        self.add_loss(-tf.math.divide_no_nan(total, tf.cast(n[0], total.dtype)))
        return tf.ensure_shape(y, self.compute_output_shape(x.shape))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the output, a `tf.TensorShape`."""
        shape = tf.TensorShape(input_shape)
        outer = self._check_rank(shape)
        of_event = self.bijector.forward_event_shape
        if self.inverse:
            of_event = self.bijector.inverse_event_shape
        return shape[:outer].concatenate(of_event(shape[outer:]))

    def get_config(self):
        """Returns what Keras writes down: the name of `make`, and its arguments.

        Raises:
          ValueError: The bijector was given ready, or an argument is more than numbers and text.
        """
        if self._recipe is None:
            raise ValueError(
                f"{self.name} was given the bijector {self.bijector.name} ready-made, and cannot "
                f"write down how to make it. Give the layer a class of normflows_tut.bijectors or "
                f"a function of normflows_tut.flows with its arguments; or save the weights alone, "
                f"by model.save_weights('name.weights.h5'). {LOST}"
            )
        config = self._recipe.config(self.name)
        return {**super().get_config(), "inverse": self.inverse, **config}

    # Keras writes down the variables that a layer made itself. These are the bijector's.

    def save_own_variables(self, store):
        """Puts the weights into `store`, a dict or a group of an HDF5 file."""
        for k, variable in enumerate(self.weights):
            store[str(k)] = variable.numpy()

    def load_own_variables(self, store):
        """Takes the weights from `store`.

        Raises:
          ValueError: They are of another layer. No weight has been touched then.
        """
        saved = [np.asarray(store[str(k)]) for k in range(len(store))]
        found, here = ([tuple(w.shape) for w in each] for each in (saved, self.weights))
        if found != here:
            raise ValueError(f"{self.name} has weights of the shapes {here}, got {found}.")
        for variable, value in zip(self.weights, saved, strict=True):
            variable.assign(value)

    def _check_rank(self, shape):
        """Returns how many axes of `shape` stand before those that the bijector acts on."""
        kind = "inverse" if self.inverse else "forward"
        ndims = getattr(self.bijector, f"{kind}_min_event_ndims")
        if shape.rank is None or shape.rank <= ndims:
            raise ValueError(
                f"{self.name} needs a batch of events, which have at least {ndims} "
                f"ax{'i' if ndims == 1 else 'e'}s after that of the batch, got shape {shape}."
            )
        return shape.rank - ndims


# What help and notebooks show. They would find that of Keras' __new__, (*args, **kwargs).
_own = inspect.signature(BijectorLayer.__init__)
BijectorLayer.__signature__ = _own.replace(parameters=list(_own.parameters.values())[1:])


def _dtypes(bijector):
    """Returns the set of floating dtypes of `bijector`, empty if it takes any."""
    if any(
        tf.nest.is_nested(ndims)
        for ndims in (bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims)
    ):
        raise ValueError(f"{bijector.name} acts on several tensors, a layer on one.")
    # Those inside count: a `tfb.Chain` has no dtype of its own.
    parts = [part for part in (bijector, *bijector.submodules) if isinstance(part, tfb.Bijector)]
    return {part.dtype for part in parts if part.dtype is not None and part.dtype.is_floating}


def _refuse_keras_3(name, inputs):
    """Raises a ValueError if `inputs` are symbols of Keras 3, or its model is being called."""
    # Not imported, as who uses Keras 3 has done it.
    symbol = getattr(sys.modules.get("keras"), "KerasTensor", ())
    state = sys.modules.get("keras.src.backend.common.global_state")
    context = state.get_global_attribute("current_call_ctx") if state else None
    symbols = [x for x in tf.nest.flatten(inputs) if isinstance(x, symbol)]
    if symbols or getattr(context, "entry_layer", None) is not None:
        got = f"{symbols[0]!r}" if symbols else f"a call inside {context.entry_layer.name!r}"
        raise ValueError(
            f"{name} is a layer of tf_keras, and Keras 3 would neither train nor save its weights: "
            f"got {got}. Build the model of tf_keras.Model, tf_keras.Sequential and tf_keras.Input."
        )
