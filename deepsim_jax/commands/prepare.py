"""The verb "prepare"."""

from deepsim_jax.runtime.paths import user_path
from deepsim_jax.sequences import frames
from deepsim_jax.systems.contract import Call


def run(call: Call):
    """Writes sequences as a TensorFlow Datasets set.

    Raises:
      UserError: they cannot be read, or the extra is not installed.
    """
    from deepsim_jax.sequences import tfds_sequences  # needs the extra tfds

    output = user_path(call.output)
    tfds_sequences.prepare(frames.open_sequences(call.input), output)
    print(f"tfds:{output}")
