"""Completes a hole in a picture by copying coherent patches of what is around it.

Every pixel of the hole gets a donor: a known pixel whose surroundings look like those that the pixel is
to have. Donors are searched for from coarse to fine, and at each size alternately with the colours that
they bring (Wexler et al., Space-Time Completion of Video, 2007), by trying what neighbours found and
what lies at random distances (Barnes et al., PatchMatch, 2009). Unlike a filter that paints into the
hole, this gives places, so that a photo can be copied at its full size.
"""

import cv2
import numpy as np

from deepsim_jax.ops import field as fields

_MOST = 20_000  # pixels of a hole that are searched for; a larger one is searched at half its size
_RADIUS = 3  # of a patch, in pixels
_ROUNDS = 5  # of searching and filling at half the size and below
_LAST_ROUNDS = 2  # at full size, where donors are nearly right
_NEAR = 8  # pixels within which these are still sought
_OTHER_LABEL = 2000.0  # what a wrong label in a patch costs, in squared levels
_FAR = 500.0  # what a donor as far away as the picture is long costs, in squared levels
_TRUST = 0.8  # how much less a pixel of the hole says about the right donor, for each pixel inwards


def complete(
    picture: np.ndarray, labels: np.ndarray, hole: np.ndarray, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Finds donors for the pixels of a hole.

    Args:
      picture: (h, w, 3) uint8 or float, levels of 0 to 255; what it shows in the hole is not looked at.
      labels: (h, w) int32, what the completed picture is to show; a donor has its pixel's own label
        wherever that label is outside of the hole.
      hole: (h, w) bool, neither empty nor everything.
      seed: of the places that are tried.

    Returns:
      Rows and columns of the donors, in the order of `np.nonzero(hole)`; none lies in the hole.
    """
    draw = np.random.default_rng(seed)
    levels = [_Level(picture.astype(np.float32), labels, hole)]
    while levels[-1].can_be_halved():
        levels.append(levels[-1].halved())
    level = levels.pop()
    found = level.nearest()
    for finer in [*levels[::-1], None]:
        found = level.searched(found, draw, is_last=finer is None)
        if finer is not None:
            found, level = finer.refined(level, found), finer
    return found[:, 0], found[:, 1]


class _Level:
    """The picture at one size, and the search in it."""

    def __init__(self, picture: np.ndarray, labels: np.ndarray, hole: np.ndarray):
        self.picture, self.labels, self.hole = picture, labels, hole
        self.places, self.wanted = np.argwhere(hole), labels[hole]
        self.depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        # A donor's whole patch is known, where there are such donors of its label.
        clear = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_C, 3) > _RADIUS
        self.allowed = ~hole
        for label in np.unique(self.wanted):
            of_label = labels == label
            if (clear & of_label).any():
                self.allowed &= clear | ~of_label
        self.is_free = ~np.isin(self.wanted, labels[self.allowed])  # of a label that is nowhere else

    def can_be_halved(self) -> bool:
        has_room = min(self.hole.shape) >= 8 * _RADIUS and self._half_hole().mean() < 0.9
        return bool(has_room and self.depth.max() > 2)

    def _half_hole(self) -> np.ndarray:
        height, width = self.hole.shape
        padded = np.pad(self.hole, ((0, height % 2), (0, width % 2)), "edge")
        return np.asarray(padded.reshape(len(padded) // 2, 2, -1, 2).any((1, 3)))

    def halved(self) -> "_Level":
        """Half the size; of pixels that are partly known the known part counts."""
        hole = self._half_hole()
        size = hole.shape[::-1]
        known = (~self.hole).astype(np.float32)
        share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
        total = cv2.resize(self.picture * known[..., None], size, interpolation=cv2.INTER_AREA)
        return _Level(total / np.maximum(share, 1e-6), self.labels[::2, ::2], hole)

    def nearest(self) -> np.ndarray:
        """(n, 2) rows and columns of the nearest donors of the right label."""
        donors = np.zeros_like(self.places)
        for label in np.unique(self.wanted):
            of_label = self.labels == label
            candidates = self.allowed & of_label
            found = fields.nearest(candidates if candidates.any() else self.allowed, self.hole & of_label)
            donors[self.wanted == label] = np.stack(found, -1)
        return donors

    def refined(self, coarse: "_Level", donors: np.ndarray) -> np.ndarray:
        """Donors for this size, from those at half of it."""
        number = np.zeros(coarse.hole.shape, int)
        number[coarse.hole] = np.arange(len(donors))
        parents = number[self.places[:, 0] // 2, self.places[:, 1] // 2]
        found = 2 * donors[parents] + self.places % 2
        fits = self._fits(found)
        found[~fits] = self.nearest()[~fits]
        return found

    def _fits(self, donors: np.ndarray) -> np.ndarray:
        """(n,) bool: whether donors exist, may be copied, and have the right label."""
        height, width = self.hole.shape
        rows, columns = donors.T
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
        right = (self.labels[rows, columns] == self.wanted) | self.is_free
        return inside & self.allowed[rows, columns] & right

    def searched(self, donors: np.ndarray, draw: np.random.Generator, *, is_last: bool) -> np.ndarray:
        """Better donors, (n, 2)."""
        if len(donors) > _MOST:
            return donors
        self.known = self._planes(self.picture)
        weights = np.where(self.hole, _TRUST**self.depth, 1.0).astype(np.float32)[..., None]
        self.weights = self._patches(_padded(weights), self.places)[..., 0]
        self.weights /= self.weights.sum(1, keepdims=True)
        number = np.full(self.hole.shape, -1)
        number[self.hole] = np.arange(len(donors))
        number = np.pad(number, 2, constant_values=-1)
        farthest = _NEAR if is_last else max(self.hole.shape) // 2
        for _ in range(_LAST_ROUNDS if is_last else _ROUNDS):
            wanted = self._patches(self._planes(self._vote(donors)), self.places)
            cost = self._cost(wanted, donors)
            for step in (1, 2, 1):
                for shift in ((0, step), (0, -step), (step, 0), (-step, 0)):
                    beside = number[tuple((self.places + 2 - shift).T)]
                    tried = np.where(beside[:, None] >= 0, donors[beside] + shift, -1)
                    donors, cost = self._better(wanted, donors, cost, tried)
            reach = farthest
            while reach >= 1:
                tried = donors + draw.integers(-reach, reach + 1, donors.shape)
                donors, cost = self._better(wanted, donors, cost, tried)
                reach //= 2
        return donors

    def _better(
        self, wanted: np.ndarray, donors: np.ndarray, cost: np.ndarray, tried: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Donors and their costs, with those that were tried where they fit and cost less."""
        # Neighbours of one copied piece try what the pixel has.
        where = np.flatnonzero((tried != donors).any(1) & self._fits(tried))
        if not len(where):
            return donors, cost
        found = self._cost(wanted[where], tried[where], where)
        better = found < cost[where]
        donors, cost = donors.copy(), cost.copy()
        donors[where[better]], cost[where[better]] = tried[where[better]], found[better]
        return donors, cost

    def _planes(self, picture: np.ndarray) -> np.ndarray:
        """Colours, and labels as a fourth plane, with a patch's radius around them."""
        return _padded(np.dstack([picture, self.labels.astype(np.float32)]))

    @staticmethod
    def _patches(planes: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(n, k, c) of the patches at places."""
        span = np.arange(2 * _RADIUS + 1, dtype=np.int32)
        offsets = (planes.shape[1] * span[:, None] + span).ravel()
        first = places[:, 0].astype(np.int32) * planes.shape[1] + places[:, 1].astype(np.int32)
        index = first[:, None] + offsets
        return planes.reshape(-1, planes.shape[-1])[index]

    def _vote(self, donors: np.ndarray) -> np.ndarray:
        """The picture with the hole filled by the mean of what overlapping patches bring."""
        filled = self.picture.copy()
        filled[self.hole] = self.picture[tuple(donors.T)]
        number = np.full(self.hole.shape, -1)
        number[self.hole] = np.arange(len(donors))
        number = np.pad(number, _RADIUS, constant_values=-1)
        total, count = np.zeros((len(donors), 3), np.float32), np.zeros(len(donors), np.float32)
        height, width = self.hole.shape
        for row in range(-_RADIUS, _RADIUS + 1):
            for column in range(-_RADIUS, _RADIUS + 1):
                target = number[self.places[:, 0] + row + _RADIUS, self.places[:, 1] + column + _RADIUS]
                rows, columns = donors[:, 0] + row, donors[:, 1] + column
                fits = (target >= 0) & (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
                total[target[fits]] += self.picture[rows[fits], columns[fits]]
                count[target[fits]] += 1
        filled[self.hole] = total / count[:, None]
        return filled

    def _cost(
        self, wanted: np.ndarray, donors: np.ndarray, where: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """(n,) what donors cost the pixels `where`: how different their patches are, and how far away."""
        had = self._patches(self.known, donors)
        apart = wanted - had
        apart[..., 3] = (apart[..., 3] != 0) * np.float32(np.sqrt(_OTHER_LABEL))
        difference = np.einsum("nkc,nkc->nk", apart, apart)
        way = np.square(donors - self.places[where]).sum(-1) / max(self.hole.shape) ** 2
        return (difference * self.weights[where]).sum(1) + _FAR * way


def _padded(planes: np.ndarray) -> np.ndarray:
    return np.pad(planes, ((_RADIUS, _RADIUS), (_RADIUS, _RADIUS), (0, 0)), "reflect")
