"""Conclusions from curves of held-out quality over steps, with several seeds each."""

import statistics


def compare(curves: list[dict], key: str, other: str, *, column: str = "lpips_alex") -> list[dict]:
    """Two rows at the steps where all of their seeds were measured.

    Args:
      curves: as in `table.json`: {"key", "seed", "points": [{"step", column}, ...]}, of one sequence.
      key, other: the rows.
      column: what is compared; lower is better.

    Returns:
      In the order of steps {"step", "median": (key's, other's), "verdict"}: "better" or "worse" where
      every seed of `key` lies below or above every seed of `other`, else "overlap".
    """
    series = {
        k: [
            {p["step"]: p[column] for p in c["points"] if p[column] is not None}
            for c in curves
            if c["key"] == k
        ]
        for k in (key, other)
    }
    if not all(series.values()):
        return []
    common = set.intersection(*(set(points) for seeds in series.values() for points in seeds))
    comparisons = []
    for step in sorted(common):
        ours, theirs = ([points[step] for points in series[k]] for k in (key, other))
        verdict = (
            "better" if max(ours) < min(theirs) else "worse" if min(ours) > max(theirs) else "overlap"
        )
        comparisons.append(
            {
                "step": step,
                "verdict": verdict,
                "median": (statistics.median(ours), statistics.median(theirs)),
            }
        )
    return comparisons


def findings(curves: list[dict], keys: list[str]) -> list[str]:
    """Sentences about the first row against each of the others, per sequence.

    Where the medians cross is reported; nothing is claimed where the seeds' ranges overlap.
    """
    sentences, first = [], keys[0]
    for sequence in dict.fromkeys(curve["sequence"] for curve in curves):
        sequence_curves = [curve for curve in curves if curve["sequence"] == sequence]
        names = {curve["key"]: curve["label"] for curve in sequence_curves}
        for other in keys[1:]:
            seeds = min(sum(c["key"] == k for c in sequence_curves) for k in (first, other))
            points = compare(sequence_curves, first, other)
            if points and seeds > 1:
                sentences.append(
                    f"{sequence}, {seeds} seeds: " + _sentence(points, names[first], names[other])
                )
    return sentences


def _sentence(points, name, other):
    """Says where the seeds are apart, where they overlap and where the medians cross."""
    stretches = []
    for point in points:
        if stretches and stretches[-1][0] == point["verdict"]:
            stretches[-1][1].append(point["step"])
        else:
            stretches.append((point["verdict"], [point["step"]]))
    words = {
        "better": f"every seed of “{name}” is better than every seed of “{other}”",
        "worse": f"every seed of “{name}” is worse than every seed of “{other}”",
        "overlap": "the seeds overlap (no claim)",
    }
    verdicts = "; ".join(f"{words[verdict]} {_steps(steps)}" for verdict, steps in stretches)
    last = points[-1]
    end = (
        f"{verdicts}. Medians at step {last['step']}: {last['median'][0]:.4f} and "
        f"{last['median'][1]:.4f}; they "
    )
    crossings = []
    for previous, current in zip(points, points[1:], strict=False):
        if (previous["median"][0] < previous["median"][1]) != (
            current["median"][0] < current["median"][1]
        ):
            remark = ", within the seeds' ranges" * (
                previous["verdict"] == current["verdict"] == "overlap"
            )
            crossings.append(f"between steps {previous['step']} and {current['step']}{remark}")
    return end + (f"cross {', '.join(crossings)}." if crossings else "do not cross.")


def _steps(steps):
    return f"at step {steps[0]}" if len(steps) == 1 else f"from step {steps[0]} to {steps[-1]}"
