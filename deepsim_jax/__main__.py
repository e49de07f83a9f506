"""`python -m deepsim_jax VERB ...`, see `deepsim_jax.main`."""

from deepsim_jax import main

if __name__ == "__main__":
    main.run()
