"""What the paper on iGAN says of its evaluation, and why ours can or cannot be compared with it.

Of its tables only what the text itself says is repeated here: their figures could not be checked.
"""

from deepsim_jax.sweeps.picture_tables import Printed

_PAPER = "Zhu, Krähenbühl, Shechtman and Efros 2016"

RECONSTRUCTION_NOTE = (
    f"{_PAPER}, on 500 held-out pictures of each collection: optimisation and network perform "
    "comparably, their combination better. Its error is over pixels and AlexNet's conv4 of other "
    "weights, and its collections are not distributed: only the solvers' order can be compared."
)

CLASSES_NOTE = (
    f"{_PAPER} compare such models on their own collections, which are not distributed: only the "
    "models' order can be compared."
)

TRANSFERS_NOTE = (
    f"{_PAPER} ask people: fewer generated pictures look real than photos, and significantly more after "
    "edit transfer. Here no one is asked; the distance of features from those of other photos stands for "
    "realism, and only the order of methods can be compared. Alignment is one optical flow (DIS) between "
    "both generated pictures, without the pictures between them, and with the colours that it leaves "
    "changed added or not; the two methods of the paper's supplement are others."
)

TRANSFERS = (
    Printed(
        "Transfer to the photo, printed",
        ("seconds",),
        (("at least", (5.0,)), ("at most", (10.0,))),
        0,
        f"{_PAPER}, section 5.2",
        "With a Titan X; the photo's size is not given.",
    ),
)
