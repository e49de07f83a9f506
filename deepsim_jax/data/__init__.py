"""From the user's files to arrays: photographs, masks and primitives, uint8 or bool on the host.

Nothing here knows of networks or configs. Problems with what the user gave are raised as
`deepsim_jax.errors.UserError`.
"""
